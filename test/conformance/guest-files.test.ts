/** `exec … unikrun cat|ls|df`: a running guest's files, as its kernel has them. */
import test, { type ExecutionContext } from "ava";
import { makeGuest, makeKeepingGuest } from "./volume-harness.ts";

async function started(t: ExecutionContext) {
  // What is in the guest's memory alone is looked at, too.
  const { guest } = makeKeepingGuest(t);
  guest.do("create");
  guest.do("start", guest.bench.id);
  await guest.get("/");
  const look = (...words: string[]) => guest.bench.call("exec", guest.bench.id, "unikrun", ...words);
  return { guest, look };
}

test.serial("cat prints a file of any length", async (t) => {
  const { guest, look } = await started(t);
  for (const text of ["", "one line", `${"x".repeat(100_000)}end`]) {
    await guest.request("/file?path=/data/file", { method: "PUT", body: text });
    const { code, stdout, stderr } = look("cat", "/data/file");
    t.is(code, 0, stderr);
    t.is(stdout, text);
  }
});

test.serial("ls prints names, and nothing by which a terminal would do something", async (t) => {
  const { guest, look } = await started(t);
  const names = ["a b", "größe", ...Array.from({ length: 300 }, (_, index) => `file${index}`)];
  for (const name of names)
    await guest.request(`/file?path=${encodeURIComponent(`/data/${name}`)}`, { method: "PUT", body: "" });
  await guest.request(`/file?path=${encodeURIComponent("/data/\x1b[2Jq")}`, { method: "PUT", body: "" });
  const { code, stdout, stderr } = look("ls", "/data");
  t.is(code, 0, stderr);
  t.deepEqual(stdout.trimEnd().split("\n").sort(), [...names, "?[2Jq"].sort());
  t.regex(look("ls").stdout, /^data$/m);
});

test.serial("df prints the disks that are mounted", async (t) => {
  const { look } = await started(t);
  const { code, stdout } = look("df");
  t.is(code, 0);
  t.regex(stdout, /^type +KiB +used +available on\n(.*\n)*ext2\w* +\d{5,} +\d+ +\d+ \/data\n$/);
});

test.serial("what is not there, or something else, is said in a line", async (t) => {
  const { guest, look } = await started(t);
  await guest.request("/file?path=/data/file", { method: "PUT", body: "x" });
  for (const [words, complaint] of [
    ["cat /data/none", "unikrun: /data/none: No such file or directory\n"],
    ["ls /data/none", "unikrun: /data/none: No such file or directory\n"],
    ["cat /data", "unikrun: /data: Is a directory\n"],
    ["ls /data/file", "unikrun: /data/file: Not a directory\n"],
  ] as const) {
    const { code, stdout, stderr } = look(...words.split(" "));
    t.deepEqual([code, stdout, stderr], [1, "", complaint]);
  }
});

test.serial("a guest whose kernel takes no system calls is not asked", async (t) => {
  const guest = makeGuest(t, []);
  guest.do("create");
  guest.do("start", guest.bench.id);
  await guest.get("/");
  const { code, log } = guest.bench.call("exec", guest.bench.id, "unikrun", "ls");
  t.is(code, 1);
  t.regex(
    log.at(-1)?.msg ?? "",
    /The files of container \S+ can't be looked at: its kernel takes no system calls, /,
  );
});
