import test from "ava";
import { diff } from "../../runtime/host/diff.ts";

test("equal texts have no difference", (t) => {
  t.is(diff("/f", "a\n", "a\n"), "");
  t.is(diff("/f", null, null), "");
});

test("a new and a removed file are all lines", (t) => {
  t.is(diff("/f", null, "a\nb\n"), "--- /dev/null\n+++ /f\n@@ -0,0 +1,2 @@\n+a\n+b");
  t.is(diff("/f", "a\n", null), "--- /f\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a");
});

test("three lines stand around what differs", (t) => {
  const lines = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];
  const text = (all: readonly string[]): string => `${all.join("\n")}\n`;
  const after = [...lines.slice(0, 5), "new", ...lines.slice(5)];
  t.is(diff("/f", text(lines), text(after)), "--- /f\n+++ /f\n@@ -3,6 +3,7 @@\n 3\n 4\n 5\n+new\n 6\n 7\n 8");
});

test("a last line without a newline is another than one with it", (t) => {
  t.is(diff("/f", "a", "a\n"), "--- /f\n+++ /f\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a");
});
