import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import test from "ava";
import { askMachine } from "../../native/control.ts";
import { type Bench, makeBench } from "./harness.ts";

const kvmTest = existsSync("/dev/kvm") ? test.serial : test.serial.skip;

/** The VMM's folder in /proc. */
const vmmOf = (bench: Bench): string =>
  `/proc/${readFileSync(`/proc/${bench.pid()}/task/${bench.pid()}/children`, "utf8").trim()}`;

function started(args: readonly string[], accelerator: string): Bench {
  const bench = makeBench(args);
  bench.configure((config) => {
    config.annotations = { "org.unikrun.accelerator": accelerator };
  });
  bench.call("create");
  bench.call("start", bench.id);
  return bench;
}

kvmTest("a machine that is told to use KVM does, by a node of its own that nobody else can use", (t) => {
  using bench = started(["http", "80"], "kvm");
  t.deepEqual(askMachine(`${bench.root}/${bench.id}`, { execute: "query-kvm" }), {
    enabled: true,
    present: true,
  });
  const vmm = vmmOf(bench);
  const { uid, mode, rdev } = statSync(`${vmm}/root/dev/kvm`);
  t.is(rdev, statSync("/dev/kvm").rdev);
  t.is(mode & 0o777, 0o600);
  t.regex(readFileSync(`${vmm}/status`, "utf8"), new RegExp(`^Uid:\t${uid}\t`, "m"));
});

test.serial("the VMM is in no group but its own, and has no device but null where it has no KVM", (t) => {
  using bench = started(["http", "80"], "tcg");
  const vmm = vmmOf(bench);
  t.regex(readFileSync(`${vmm}/status`, "utf8"), /^Groups:\t *$/m);
  t.deepEqual(readdirSync(`${vmm}/root/dev`), ["null"]);
  const mounts = readFileSync(`${vmm}/mountinfo`, "utf8").trim().split("\n");
  for (const mount of mounts) t.is(mount.includes(" /dev "), !mount.includes("nodev"), mount);
  t.regex(mounts.find((mount) => mount.includes(" /dev ")) ?? "", / ro,nosuid,noexec[, ]/);
});
