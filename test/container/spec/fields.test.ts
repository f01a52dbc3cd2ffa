import test from "ava";
import { parseConfig, specOf } from "../../../runtime/container/spec/spec.ts";
import { UnikrunError } from "../../../runtime/error.ts";

type Json = Record<string, unknown>;

const minimal = { ociVersion: "1.0.2", root: { path: "rootfs" } };
const withProcess = (process: Json): Json => ({ ...minimal, process: { cwd: "/", ...process } });
const withLinux = (linux: Json): Json => ({ ...minimal, linux });
const withResources = (resources: Json): Json => withLinux({ resources });
const withHook = (hook: Json): Json => ({ ...minimal, hooks: { prestart: [hook] } });

/** The place of a wrong field, a configuration that has it, and the words about it. */
for (const [place, config, rest] of [
  ["ociVersion", { root: { path: "r" } }, "is missing: it must be a string."],
  ["ociVersion", { ...minimal, ociVersion: 1 }, "must be a string, not a number."],
  ["root", { ociVersion: "1.0.2" }, "is missing: it must be an object."],
  ["root.path", { ...minimal, root: {} }, "is missing: it must be a string."],
  ["root.path", { ...minimal, root: { path: "" } }, 'must be a string that is not empty, not "".'],
  [
    "root.readonly",
    { ...minimal, root: { path: "r", readonly: "yes" } },
    "must be true or false, not a string.",
  ],
  ["hostname", { ...minimal, hostname: ["box"] }, "must be a string, not an array."],
  ["domainname", { ...minimal, domainname: {} }, "must be a string, not an object."],
  ["process", { ...minimal, process: [] }, "must be an object, not an array."],
  ["process.cwd", { ...minimal, process: {} }, "is missing: it must be a string."],
  ["process.cwd", withProcess({ cwd: "srv" }), 'must be an absolute path, not "srv".'],
  ["process.terminal", withProcess({ terminal: 1 }), "must be true or false, not a number."],
  [
    "process.consoleSize.width",
    withProcess({ consoleSize: { height: 25 } }),
    "is missing: it must be a whole number.",
  ],
  [
    "process.consoleSize.height",
    withProcess({ consoleSize: { height: -1, width: 80 } }),
    "must be a whole number from 0 to 65535, not -1.",
  ],
  ["process.user.gid", withProcess({ user: { uid: 0 } }), "is missing: it must be a whole number."],
  [
    "process.user.uid",
    withProcess({ user: { uid: -1, gid: 0 } }),
    "must be a whole number from 0 to 4294967295, not -1.",
  ],
  [
    "process.user.additionalGids[0]",
    withProcess({ user: { uid: 0, gid: 0, additionalGids: ["wheel"] } }),
    "must be a whole number, not a string.",
  ],
  ["process.args", withProcess({ args: "/nginx.bin" }), "must be an array, not a string."],
  [
    "process.args[0]",
    withProcess({ args: ["/nginx\0.bin"] }),
    "has a NUL character in it, which no path or argument can have.",
  ],
  ["process.env[0]", withProcess({ env: [null] }), "must be a string, not null."],
  [
    "process.capabilities.bounding",
    withProcess({ capabilities: { bounding: "ALL" } }),
    "must be an array, not a string.",
  ],
  ["process.apparmorProfile", withProcess({ apparmorProfile: true }), "must be a string, not a boolean."],
  [
    "process.oomScoreAdj",
    withProcess({ oomScoreAdj: 1001 }),
    "must be a whole number from -1000 to 1000, not 1001.",
  ],
  [
    "process.oomScoreAdj",
    withProcess({ oomScoreAdj: 0.5 }),
    "must be a whole number from -1000 to 1000, not 0.5.",
  ],
  [
    "process.rlimits[0].hard",
    withProcess({ rlimits: [{ type: "RLIMIT_AS", soft: 1 }] }),
    "is missing: it must be a whole number.",
  ],
  [
    "process.rlimits[0].soft",
    withProcess({ rlimits: [{ type: "RLIMIT_AS", soft: -1, hard: 1 }] }),
    "must be a whole number of 64 bits, 0 or more, not -1.",
  ],
  ["mounts[0].destination", { ...minimal, mounts: [{}] }, "is missing: it must be a string."],
  [
    "mounts[0].options[0]",
    { ...minimal, mounts: [{ destination: "/d", options: [1] }] },
    "must be a string, not a number.",
  ],
  [
    "mounts[0]",
    { ...minimal, mounts: [{ destination: "/d", uidMappings: [] }] },
    "has uidMappings without gidMappings: it must have both or neither.",
  ],
  ["hooks.prestart[0].path", withHook({ path: "bin/hook" }), 'must be an absolute path, not "bin/hook".'],
  [
    "hooks.prestart[0].timeout",
    withHook({ path: "/h", timeout: 0 }),
    "must be a whole number from 1 to 2147483647, not 0.",
  ],
  ["hooks.prestart[0].args[0]", withHook({ path: "/h", args: [1] }), "must be a string, not a number."],
  ["hooks.prestart[0].env", withHook({ path: "/h", env: { A: "b" } }), "must be an array, not an object."],
  ["hooks.poststop", { ...minimal, hooks: { poststop: { path: "/h" } } }, "must be an array, not an object."],
  ['annotations["a"]', { ...minimal, annotations: { a: 1 } }, "must be a string, not a number."],
  ["annotations", { ...minimal, annotations: { "": "b" } }, "has a name that is empty."],
  [
    "linux.namespaces[0].path",
    withLinux({ namespaces: [{ type: "network", path: "ns" }] }),
    'must be an absolute path, not "ns".',
  ],
  [
    "linux.namespaces[0].type",
    withLinux({ namespaces: [{ type: "net" }] }),
    'must be one of pid, network, mount, ipc, uts, user, cgroup, time, not "net".',
  ],
  [
    "linux.namespaces[1].type",
    withLinux({ namespaces: [{ type: "pid" }, { type: "pid", path: "/p" }] }),
    'repeats "pid": each may stand once.',
  ],
  ["linux.cgroupsPath", withLinux({ cgroupsPath: 1 }), "must be a string, not a number."],
  [
    "linux.uidMappings[0].size",
    withLinux({ uidMappings: [{ hostID: 1, containerID: 0 }] }),
    "is missing: it must be a whole number.",
  ],
  [
    'linux.sysctl["net.core.somaxconn"]',
    withLinux({ sysctl: { "net.core.somaxconn": 1 } }),
    "must be a string, not a number.",
  ],
  ["linux.seccomp", withLinux({ seccomp: "default" }), "must be an object, not a string."],
  [
    "linux.maskedPaths[0]",
    withLinux({ maskedPaths: ["proc/kcore"] }),
    'must be an absolute path, not "proc/kcore".',
  ],
  ["linux.readonlyPaths", withLinux({ readonlyPaths: "/proc" }), "must be an array, not a string."],
  [
    "linux.rootfsPropagation",
    withLinux({ rootfsPropagation: "none" }),
    'must be one of shared, slave, private, unbindable, rshared, rslave, rprivate, runbindable, not "none".',
  ],
  [
    "linux.resources.memory.limit",
    withResources({ memory: { limit: "64m" } }),
    "must be a whole number, not a string.",
  ],
  [
    "linux.resources.cpu.shares",
    withResources({ cpu: { shares: -1 } }),
    "must be a whole number of 64 bits, 0 or more, not -1.",
  ],
  ["linux.resources.cpu.cpus", withResources({ cpu: { cpus: 1 } }), "must be a string, not a number."],
  [
    "linux.resources.pids.limit",
    withResources({ pids: { limit: true } }),
    "must be a whole number, not a boolean.",
  ],
  [
    "linux.resources.devices[0].allow",
    withResources({ devices: [{ access: "rwm" }] }),
    "is missing: it must be true or false.",
  ],
  [
    "linux.resources.blockIO.throttleReadBpsDevice[0].rate",
    withResources({ blockIO: { throttleReadBpsDevice: [{ major: 8, minor: 0 }] } }),
    "is missing: it must be a whole number.",
  ],
  [
    'linux.resources.unified["memory.high"]',
    withResources({ unified: { "memory.high": 1 } }),
    "must be a string, not a number.",
  ],
  ["vm.kernel", { ...minimal, vm: {} }, "is missing: it must be an object."],
  [
    "vm.kernel.path",
    { ...minimal, vm: { kernel: { path: "vmlinuz" } } },
    'must be an absolute path, not "vmlinuz".',
  ],
  [
    "vm.kernel.parameters[0]",
    { ...minimal, vm: { kernel: { path: "/k", parameters: [1] } } },
    "must be a string, not a number.",
  ],
  [
    "vm.hypervisor.path",
    { ...minimal, vm: { kernel: { path: "/k" }, hypervisor: {} } },
    "is missing: it must be a string.",
  ],
  [
    "vm.image.format",
    { ...minimal, vm: { kernel: { path: "/k" }, image: { path: "/i", format: "iso" } } },
    'must be one of raw, qcow2, vdi, vmdk, vhd, not "iso".',
  ],
] as const) {
  test(`${place} ${rest}`, (t) => {
    const parse = () => specOf(parseConfig(JSON.stringify(config), "config.json of /b"));
    const { message } = t.throws(parse, { instanceOf: UnikrunError });
    t.is(message, `config.json of /b: ${place} ${rest}`);
  });
}
