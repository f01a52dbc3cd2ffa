import {
  chmodSync,
  chownSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import test from "ava";
import { askMachine } from "../../native/control.ts";
import { vmmOf } from "../proc.ts";
import { type Bench, makeBench, repository } from "./harness.ts";
import { type PrivateHost, privateHost } from "./private-host.ts";

const kvmTest = existsSync("/dev/kvm") ? test.serial : test.serial.skip;

/** The VMM's folder in /proc. */
const folderOf = (bench: Bench): string => `/proc/${vmmOf(bench.pid())}`;

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
  const vmm = folderOf(bench);
  const { uid, mode, rdev } = statSync(`${vmm}/root/dev/kvm`);
  t.is(rdev, statSync("/dev/kvm").rdev);
  t.is(mode & 0o777, 0o600);
  t.regex(readFileSync(`${vmm}/status`, "utf8"), new RegExp(`^Uid:\t${uid}\t`, "m"));
});

test.serial("the VMM is in no group but its own, and has no device but null where it has no KVM", (t) => {
  using bench = started(["http", "80"], "tcg");
  const vmm = folderOf(bench);
  t.regex(readFileSync(`${vmm}/status`, "utf8"), /^Groups:\t *$/m);
  t.deepEqual(readdirSync(`${vmm}/root/dev`), ["null"]);
  const mounts = readFileSync(`${vmm}/mountinfo`, "utf8").trim().split("\n");
  for (const mount of mounts) t.is(mount.includes(" /dev "), !mount.includes("nodev"), mount);
  t.regex(mounts.find((mount) => mount.includes(" /dev ")) ?? "", / ro,nosuid,noexec[, ]/);
});

test.serial("where nobody may make device nodes, as in a container, the host's are lent", async (t) => {
  using host = await privateHost();
  host.configure({ accelerator: "tcg" });
  const runtime = `${host.folder}/without-mknod`;
  const command = `exec setpriv --bounding-set=-mknod --inh-caps=-mknod ${host.runtime} "$@"`;
  writeFileSync(runtime, `#!/bin/sh\n${command}\n`, { mode: 0o755 });
  using bench = makeBench(["http", "80"], {}, runtime);
  t.is(bench.call("create").code, 0);
  t.is(bench.call("start", bench.id).code, 0);
  const { uid, rdev } = statSync(`${folderOf(bench)}/root/dev/null`);
  t.is(rdev, statSync("/dev/null").rdev);
  t.is(uid, 0);
});

/** Has the host's QEMU be one whose KVM is as `onKvm` says (vmm-double.c). */
function placeDouble({ folder, configure }: PrivateHost, onKvm: "GOOD" | "SLOW" | "STILL" | "TELLS"): void {
  const qemu = `${folder}/${onKvm}`;
  const source = `${repository}/test/conformance/vmm-double.c`;
  const { exitCode } = Bun.spawnSync(["gcc", `-DON_KVM=${onKvm}`, "-o", qemu, source]);
  if (exitCode !== 0) throw new Error(`the VMM's double ${onKvm} was not made`);
  configure({ qemu });
}

/** What a create says of KVM. */
function wordsOnKvm({ runtime }: PrivateHost): string[] {
  using bench = makeBench(["return", "0"], {}, runtime);
  return bench
    .call("create")
    .log.filter(({ level, msg }) => level === "warning" && msg.startsWith("KVM"))
    .map(({ msg }) => msg);
}

kvmTest(
  "KVM is tried as machines run: in the cage, with an account and a node of its own, and no capability",
  async (t) => {
    using host = await privateHost();
    placeDouble(host, "TELLS");
    const [warning] = wordsOnKvm(host);
    t.regex(
      warning ?? "",
      /QEMU failed on it: account=own groups=0 capabilities=0,0 new=never kvm=600,own host=away: guests are emulated/,
    );
    t.is(host.remembered().kvm?.kind, "broken");
  },
);

kvmTest(
  "KVM that takes more CPU time than emulation is not used; the first create says why, and no other",
  async (t) => {
    using host = await privateHost();
    placeDouble(host, "SLOW");
    const [warning] = wordsOnKvm(host);
    t.regex(warning ?? "", /^KVM is slower than emulation here, as a trial guest took more than \d/);
    t.is(host.remembered().kvm?.kind, "slow");
    t.deepEqual(wordsOnKvm(host), []);
  },
);

kvmTest("KVM that takes less CPU time than emulation is used", async (t) => {
  using host = await privateHost();
  placeDouble(host, "GOOD");
  t.deepEqual(wordsOnKvm(host), []);
  t.is(host.remembered().kvm?.kind, "good");
});

kvmTest(
  "a trial of KVM that was not done in its time is not the last word: the next create tries again",
  async (t) => {
    using host = await privateHost();
    placeDouble(host, "STILL");
    t.regex(wordsOnKvm(host)[0] ?? "", /^KVM could not be tried.* until a later create has tried it\.$/);
    const { key, undecided, kvm, ...rest } = host.remembered();
    t.is(undecided?.times, 1);
    t.is(kvm, undefined);
    placeDouble(host, "TELLS");
    const told = wordsOnKvm(host);
    t.is(told.length, 1);
    const now = host.remembered();
    host.remember({ ...rest, ...now, kvm: undefined, undecided });
    t.deepEqual(wordsOnKvm(host), told, "after one");
    host.remember({ ...rest, ...now, kvm: undefined, undecided: { ...undecided, times: 3, at: 1e9 } });
    t.deepEqual(wordsOnKvm(host), [], "after three no create is held up for a while");
    t.not(key, now.key);
  },
);

kvmTest("what is known of KVM is of the device node as it is", async (t) => {
  using host = await privateHost();
  placeDouble(host, "GOOD");
  const keys = new Set<string>();
  for (const [bits, owner, group] of [
    [0o600, 0, 0],
    [0o660, 0, 0],
    [0o660, 0, 7],
    [0o600, 7, 7],
  ] as const) {
    chownSync(host.device, owner, group);
    chmodSync(host.device, bits);
    wordsOnKvm(host);
    t.is(host.remembered().kvm?.kind, "good");
    keys.add(host.remembered().key);
  }
  t.is(keys.size, 4);
});

test.serial("an emulated guest's log says so where that is asked for, and else not", async (t) => {
  using host = await privateHost();
  const logOf = (settings: object, annotations: Record<string, string> = {}): string => {
    host.configure({ accelerator: "tcg", ...settings });
    using bench = makeBench(["return", "0"], {}, host.runtime);
    bench.configure((config) => {
      config.annotations = annotations;
    });
    bench.call("create");
    t.is(bench.call("start", bench.id).code, 0);
    t.is(bench.wait(), 0);
    return readFileSync(`${bench.folder}/output.errors`, "utf8");
  };
  const line = /^unikrun: guests are emulated \(TCG\), .*as "accelerator" says \(what to do: .*\)$/m;
  t.is(logOf({}), "");
  t.regex(logOf({ sayEmulated: true }), line);
  t.regex(logOf({}, { "org.unikrun.sayEmulated": "true" }), line);
  t.is(logOf({ sayEmulated: true }, { "org.unikrun.sayEmulated": "false" }), "");
});

test.serial(
  "KVM that is wanted and can't be had is refused in one sentence that says what to do",
  async (t) => {
    using host = await privateHost();
    host.configure({ accelerator: "kvm" });
    host.hideDevice();
    using bench = makeBench(["return", "0"], {}, host.runtime);
    bench.call("create");
    const { code, stderr } = bench.call("start", bench.id);
    t.is(code, 1);
    t.regex(stderr, /^[^\n]*KVM[^\n]*, and "accelerator" allows nothing else: set it to auto [^\n]*\n$/i);
  },
);

test.serial("`features` says whether guests are emulated, once that is known", async (t) => {
  using host = await privateHost();
  const accelerator = (): string =>
    JSON.parse(Bun.spawnSync([host.runtime, "features"]).stdout.toString()).annotations[
      "org.unikrun.accelerator"
    ];
  t.is(accelerator(), "unknown");
  wordsOnKvm(host);
  t.is(accelerator(), host.remembered().kvm?.kind === "good" ? "kvm" : "tcg");
  host.configure({ accelerator: "kvm" });
  t.is(accelerator(), "kvm");
});
