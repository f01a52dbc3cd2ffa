/** The filter of system calls that a VMM has before it is executed, put on a program that tries them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import { compileInit } from "./init-parts.ts";

const EPERM = "1";

test("the VMM's filter denies what Docker's denies, and nothing that a VMM needs", (t) => {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-filter-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const program = `${folder}/filter`;
  const source = `${import.meta.dirname}/vmm-filter.c`;
  compileInit({ program, source, parts: ["cage/seccomp", "fail"], sanitized: false });
  const lines = Bun.spawnSync([program]).stdout.toString().trim().split("\n");
  const tried = Object.fromEntries(lines.map((line) => line.split(" ")));
  const denied = ["keyctl", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "ptrace"];
  t.deepEqual(tried, {
    ...Object.fromEntries([...denied, "unshare", "clone_newuser", "vsock"].map((call) => [call, EPERM])),
    ...Object.fromEntries(["unix", "openat", "code", "fork"].map((call) => [call, "0"])),
  });
});
