/** Device programs at real cgroups of version 2, which need none of its controllers. */
import { mkdirSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import test, { type ExecutionContext } from "ava";
import { deviceRules, mayOpen } from "../../../runtime/container/cgroup/devices.ts";
import { deviceProgram, restrictDevices as restrict } from "../../../runtime/container/cgroup/devices-v2.ts";
import { mountedHierarchies } from "../../../runtime/container/cgroup/hierarchy.ts";
import type { Resources } from "../../../runtime/container/spec/oci.ts";

type Rules = NonNullable<Resources["devices"]>;

const restrictDevices = (folder: string, rules: Rules | undefined): void =>
  restrict({ paths: { "": folder } }, rules);

const top = (() => {
  try {
    return mountedHierarchies().find(({ version }) => version === 2)?.mountpoint;
  } catch {
    return undefined;
  }
})();
const rooted = process.getuid?.() === 0 && top !== undefined ? test : test.skip;

let count = 0;

/** A cgroup, gone with the test. */
function makeCgroup(t: ExecutionContext, above = top): string {
  const folder = `${above}/unikrun-devices-${process.pid}-${count++}`;
  mkdirSync(folder);
  t.teardown(() => rmdirSync(folder));
  return folder;
}

/** Whether a shell in the cgroup can do that. */
function can(folder: string, command: string): boolean {
  const script = `echo 0 >${folder}/cgroup.procs && exec 2>/dev/null && ${command}`;
  return Bun.spawnSync(["sh", "-c", script]).exitCode === 0;
}

const READ_ZERO = "exec 3</dev/zero";
const WRITE_ZERO = "exec 3>/dev/zero";
const BOTH_ZERO = "exec 3<>/dev/zero";
const READ_NULL = "exec 3</dev/null";
const READ_RANDOM = "exec 3</dev/urandom";
const TUN = "exec 3<>/dev/net/tun";
const node = `${tmpdir()}/unikrun-devices-${process.pid}`;
const make = (kind: string): string => `mknod ${node} ${kind} && rm ${node}`;

const denyAll = { allow: false, access: "rwm" };
const zero = { type: "c", major: 1, minor: 5 };
const NOBODY = "c 77 77";

rooted("version 2: what is denied can't be opened or made, and what a machine needs can", (t) => {
  const folder = makeCgroup(t);
  t.true(can(folder, READ_ZERO));
  restrictDevices(folder, [denyAll]);
  for (const command of [READ_ZERO, READ_RANDOM, make("c 1 5"), make("b 7 0")])
    t.false(can(folder, command), command);
  for (const command of [READ_NULL, make("c 10 232"), make("c 136 9")]) t.true(can(folder, command), command);
  if (can(top ?? "", TUN)) t.true(can(folder, TUN));
});

rooted("version 2: without a denial everything is as in the cgroup above", (t) => {
  const folder = makeCgroup(t);
  restrictDevices(folder, [{ allow: true, access: "rwm" }]);
  restrictDevices(folder, undefined);
  t.true(can(folder, BOTH_ZERO));
  const above = makeCgroup(t);
  restrictDevices(above, [denyAll]);
  const below = makeCgroup(t, above);
  restrictDevices(below, [denyAll, { ...zero, allow: true, access: "rwm" }]);
  t.false(can(below, READ_ZERO), "what is not allowed there can't be allowed below");
  t.true(can(below, READ_NULL));
});

const cases: readonly (readonly [
  name: string,
  rules: Rules,
  can: readonly string[],
  cannot: readonly string[],
])[] = [
  [
    "reading alone",
    [denyAll, { ...zero, allow: true, access: "r" }],
    [READ_ZERO],
    [WRITE_ZERO, BOTH_ZERO, make("c 1 5")],
  ],
  [
    "each bit of an access by a rule of its own",
    [denyAll, { ...zero, allow: true, access: "r" }, { ...zero, allow: true, access: "w" }],
    [READ_ZERO, WRITE_ZERO, BOTH_ZERO],
    [make("c 1 5")],
  ],
  [
    "a denied bit is denied in every access that has it",
    [
      { allow: true, access: "rwm" },
      { ...zero, allow: false, access: "w" },
    ],
    [READ_ZERO, make("c 1 5"), READ_RANDOM],
    [WRITE_ZERO, BOTH_ZERO],
  ],
  [
    "the last rule counts",
    [
      denyAll,
      { ...zero, allow: true, access: "rwm" },
      { ...zero, allow: false, access: "rwm" },
      { type: "c", major: 1, minor: 9, allow: true, access: "r" },
    ],
    [READ_RANDOM],
    [READ_ZERO],
  ],
  [
    "a later rule for all devices makes those before it void",
    [{ ...zero, allow: false, access: "rwm" }, denyAll, { allow: true, type: "a" }],
    [READ_ZERO, make(NOBODY)],
    [],
  ],
  [
    "any number, and making alone, as Docker allows of every device",
    [denyAll, { allow: true, type: "c", major: -1, minor: -1, access: "m" }],
    [make("c 1 5"), make(NOBODY)],
    [READ_ZERO, make("b 7 0")],
  ],
  [
    "block devices are others than character devices",
    [denyAll, { allow: true, type: "b", major: 1, minor: 5, access: "rwm" }],
    [make("b 1 5")],
    [READ_ZERO, make("c 1 5")],
  ],
  ["a rule for no access says nothing", [denyAll, { ...zero, allow: true, access: "" }], [], [READ_ZERO]],
];

for (const [name, rules, allowed, denied] of cases) {
  rooted(`version 2: ${name}`, (t) => {
    const folder = makeCgroup(t);
    restrictDevices(folder, rules);
    for (const command of allowed) t.true(can(folder, command), command);
    for (const command of denied) t.false(can(folder, command), command);
  });
}

rooted("version 2: a cgroup that is taken over has the new rules alone", (t) => {
  const folder = makeCgroup(t);
  restrictDevices(folder, [denyAll]);
  restrictDevices(folder, [denyAll, { ...zero, allow: true, access: "rwm" }]);
  t.true(can(folder, READ_ZERO));
  restrictDevices(folder, [denyAll]);
  t.false(can(folder, READ_ZERO));
});

rooted("version 2: where the kernel can't restrict devices, a denial is an error", (t) => {
  t.throws(() => restrictDevices("/proc", [denyAll]), {
    message: /devices of the cgroup \/proc can't be restricted as linux\.resources\.devices says/,
  });
});

test("a rule for what is no device is refused", (t) => {
  t.throws(() => deviceRules([denyAll, { allow: true, type: "p", access: "r" }]), { message: /"type":"p"/ });
  t.throws(() => deviceRules([denyAll, { ...zero, allow: true, access: "rx" }]), {
    message: /"access":"rx"/,
  });
  t.is(deviceRules([denyAll, { allow: true, type: "u", access: "r" }])[1]?.type, "c");
});

test("the program has no code that nothing reaches", (t) => {
  t.false(deviceProgram(deviceRules([denyAll])).includes("goto deny"));
  t.regex(deviceProgram([]), /allow: r0 = 1; exit\n$/);
});

test("of the rules about a device the last one says whether it may be read and written", (t) => {
  const may = (given: Rules | undefined, access: "r" | "rw"): boolean =>
    mayOpen(deviceRules(given), { type: "b", node: "7:3" }, access);
  const loop = { type: "b", major: 7 };
  t.true(may(undefined, "rw"));
  t.true(may([{ allow: true, access: "rwm" }], "rw"));
  t.false(may([denyAll], "r"));
  t.true(may([denyAll, { ...loop, allow: true, access: "r" }], "r"));
  t.false(may([denyAll, { ...loop, allow: true, access: "r" }], "rw"));
  t.true(may([denyAll, { ...loop, minor: 3, allow: true, access: "rw" }], "rw"));
  t.false(may([denyAll, { ...loop, minor: 4, allow: true, access: "rwm" }], "r"));
  t.false(may([denyAll, { ...loop, type: "c", allow: true, access: "rwm" }], "r"));
  t.false(may([{ ...loop, allow: true, access: "rwm" }, denyAll], "r"));
  t.false(may([{ ...loop, minor: 3, allow: false, access: "w" }], "rw"));
  t.true(may([{ ...loop, minor: 3, allow: false, access: "w" }], "r"));
  t.true(may([denyAll, { allow: true, type: "a", access: "rwm" }], "rw"));
});
