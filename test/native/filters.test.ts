/** The filters of system calls that a VMM has before it is executed, and init once its guest runs, put on a program that tries them. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import test, { type ExecutionContext } from "ava";
import { compileInit } from "./init-parts.ts";

const EPERM = "1";

/** What each call came to: "0" or errno. */
function tryCalls(t: ExecutionContext, ...kind: readonly string[]): Record<string, string> {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-filter-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  const program = `${folder}/filters`;
  const source = `${import.meta.dirname}/filters.c`;
  compileInit({ program, source, parts: ["cage/seccomp", "fail"], sanitized: false });
  const lines = Bun.spawnSync([program, ...kind])
    .stdout.toString()
    .trim()
    .split("\n");
  return Object.fromEntries(lines.map((line) => line.split(" ")));
}

const all = (calls: readonly string[], result: string): Record<string, string> =>
  Object.fromEntries(calls.map((call) => [call, result]));

test("the VMM's filter denies what Docker's denies, and nothing that a VMM needs", (t) => {
  const denied = ["keyctl", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "ptrace"];
  t.deepEqual(tryCalls(t), {
    ...all([...denied, "unshare", "clone_newuser", "vsock"], EPERM),
    ...all(["unix", "openat", "code", "fork"], "0"),
  });
});

test("init connects to nobody, but where its guest has a name server to ask by TCP of IPv4", (t) => {
  const streams = ["tcp", "connect"];
  const denied = ["connect_unix", "udp", "raw", "ipv6", "unix", "netlink", "bind", "openat"];
  t.deepEqual(tryCalls(t, "init"), all([...streams, ...denied], EPERM));
  t.deepEqual(tryCalls(t, "init-asks"), { ...all(streams, "0"), ...all(denied, EPERM) });
});
