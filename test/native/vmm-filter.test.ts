/** The filter of system calls that a VMM has before it is executed, put on a program that tries them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import test from "ava";

const EPERM = "1";

test("the VMM's filter denies what Docker's denies, and nothing that a VMM needs", (t) => {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-filter-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const init = resolve(import.meta.dirname, "../../native/init");
  const parts = ["cage/seccomp", "fail"].map((part) => `${init}/${part}.c`);
  const run = (...cmd: string[]) => Bun.spawnSync(cmd, { stdio: ["ignore", "pipe", "pipe"] });
  const source = `${import.meta.dirname}/vmm-filter.c`;
  const made = run(
    "gcc",
    "-std=gnu11",
    "-I",
    init,
    "-I",
    resolve(init, "../../build"),
    "-o",
    `${folder}/filter`,
    source,
    ...parts,
  );
  t.is(made.exitCode, 0, made.stderr.toString());
  const lines = run(`${folder}/filter`).stdout.toString().trim().split("\n");
  const tried = Object.fromEntries(lines.map((line) => line.split(" ")));
  const denied = ["keyctl", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "ptrace"];
  t.deepEqual(tried, {
    ...Object.fromEntries([...denied, "unshare", "clone_newuser", "vsock"].map((call) => [call, EPERM])),
    ...Object.fromEntries(["unix", "openat", "code", "fork"].map((call) => [call, "0"])),
  });
});
