/** `unikrun inspect`: what a file is, before anybody makes a container of it. */
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import test, { type ExecutionContext } from "ava";
import { probe, repository, unikrun } from "./harness.ts";

function inspect(...args: string[]) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([unikrun, "inspect", ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  return { code: exitCode, text: stdout.toString(), error: stderr.toString() };
}

const SOLO5 = `${repository}/build/guest/solo5-devices.bin`;

test("a kernel is told with its family, what it needs and what it can be told", (t) => {
  const { code, text } = inspect(SOLO5);
  t.is(code, 0);
  for (const row of [
    /^file +.*solo5-devices\.bin$/m,
    /^family +solo5$/m,
    /^version +2$/m,
    /^target +virtio$/m,
    /^entry +0x1[0-9a-f]{5}$/m,
    /^needs cards +service$/m,
    /^needs disks +storage$/m,
    /^environment +no$/m,
  ])
    t.regex(text, row);
});

test("the same is had as JSON", (t) => {
  const { code, text } = inspect("--json", probe);
  t.is(code, 0);
  t.like(JSON.parse(text), { kind: "guest", family: "rumprun", file: probe, features: { folders: "yes" } });
});

test("a device's name is never what a terminal would obey", (t) => {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-inspect-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const bytes = readFileSync(SOLO5);
  const name = bytes.lastIndexOf("service\0");
  bytes.write("\x1b[2J\nx\0", name, "latin1");
  writeFileSync(`${folder}/kernel`, bytes);
  const { code, text, error } = inspect(`${folder}/kernel`);
  t.like({ code, text }, { code: 1, text: "" });
  t.regex(
    error,
    /a device that is called "\\u001b\[2J\\nx", and Solo5 takes names of letters and digits only/,
  );
});

test("what can't be booted says why, with exit code 1", (t) => {
  t.like(inspect("/bin/sh"), { code: 1, error: "" });
  t.regex(inspect("/bin/sh").text, /^because +it is a program of Linux/m);
  t.regex(inspect("--json", import.meta.filename).text, /"kind": "unknown"/);
});

function imageOf(t: ExecutionContext, settings: string): string {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-inspect-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  mkdirSync(`${folder}/boot`);
  copyFileSync(SOLO5, `${folder}/boot/kernel`);
  writeFileSync(`${folder}/unikrun.json`, settings);
  return folder;
}

test("a file of an image is looked up in the image, and by its settings", (t) => {
  const image = imageOf(t, '{"kernel": "/boot/kernel"}');
  t.regex(inspect("--image", image).text, /^file +\/boot\/kernel$/m);
  t.is(inspect("--image", image, "/boot/kernel").code, 0);
  t.regex(inspect("--image", image, "/bin/sh").error, /no regular file \/bin\/sh in the image/);
});

test("no file is one sentence", (t) => {
  t.regex(inspect().error, /needs FILE or ID, or --image DIR/);
  t.regex(inspect("--image", imageOf(t, "{}")).error, /names no kernel/);
  t.regex(inspect("/absent").error, /no regular file \/absent/);
});
