/** What runc takes, it gets, and what it refuses is refused in its words: config.json is judged for unikernels alone. */
import { copyFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import test from "ava";
import { parseConfig, specOf } from "../../runtime/container/spec/spec.ts";
import { type Bench, leftovers, makeBench, unikrun } from "./harness.ts";

type Json = { [key: string]: Json } | Json[] | string | number | boolean | null;
type Place = readonly (string | number)[];

/** What an engine would write for busybox. */
function busyboxConfig(id: string) {
  const access = "rwm";
  return {
    ociVersion: "1.0.2",
    process: {
      user: { uid: 0, gid: 0, umask: 18, additionalGids: [1] },
      args: ["/bin/busybox", "sleep", "1000"],
      env: ["PATH=/bin"],
      cwd: "/",
      capabilities: { bounding: ["CAP_KILL"], effective: ["CAP_KILL"], permitted: ["CAP_KILL"] },
      rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
      noNewPrivileges: true,
      oomScoreAdj: 10,
    },
    root: { path: "rootfs", readonly: true },
    hostname: "h",
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/tmp", type: "tmpfs", source: "tmpfs", options: ["nosuid", "size=64k"] },
    ],
    hooks: { createRuntime: [{ path: "/bin/true", args: ["true"], env: ["A=b"], timeout: 5 }] },
    annotations: { "org.example.a": "b" },
    linux: {
      cgroupsPath: `/unikrun-test/${id}`,
      namespaces: ["pid", "network", "ipc", "uts", "mount"].map((type) => ({ type })),
      resources: {
        devices: [
          { allow: false, access },
          { allow: true, type: "c", major: 1, minor: 3, access },
        ],
        memory: { limit: 100 << 20, reservation: 50 << 20 },
        cpu: { shares: 512, quota: 50_000, period: 100_000, cpus: "0" },
        pids: { limit: 100 },
      },
      sysctl: { "net.ipv4.ip_forward": "1" },
      rootfsPropagation: "rslave",
      seccomp: {
        defaultAction: "SCMP_ACT_ALLOW",
        syscalls: [{ names: ["getcwd"], action: "SCMP_ACT_ERRNO", errnoRet: 1 }],
      },
      maskedPaths: ["/proc/kcore"],
      readonlyPaths: ["/proc/sys"],
    },
  };
}

interface Variant {
  readonly name: string;
  readonly text: string;
}

/** Every value of the configuration: absent, null, of another type, empty, strange. */
function variantsOf(config: Json): Variant[] {
  const variants: Variant[] = [];
  const add = (place: Place, what: string, change: (parent: Record<string, Json>, key: string) => void) => {
    const copy = structuredClone(config);
    const parent = place
      .slice(0, -1)
      .reduce<Json>((at, key) => (at as Record<string, Json>)[key] ?? null, copy);
    change(parent as Record<string, Json>, String(place.at(-1)));
    variants.push({ name: `${place.join(".")} ${what}`, text: JSON.stringify(copy) });
  };
  for (const [place, value] of placesIn(config)) {
    add(place, "absent", (parent, key) => {
      if (Array.isArray(parent)) parent.splice(Number(key), 1);
      else delete parent[key];
    });
    for (const [what, other] of Object.entries(othersFor(value))) {
      // With runc 1.1 the hook's end may come before a time that is over when it begins.
      if (what === "negative" && place.at(-1) === "timeout") continue;
      add(place, what, (parent, key) => {
        parent[key] = other;
      });
    }
  }
  return variants;
}

function othersFor(value: Json): Record<string, Json> {
  const always = { null: null };
  switch (typeof value) {
    case "string":
      return { ...always, "a number": 7, empty: "", strange: "../odd é", "with NUL": "a\0b" };
    case "number":
      return { ...always, negative: -1, "with a fraction": 1.5 };
    case "boolean":
      return always;
    default:
      if (!Array.isArray(value)) return { ...always, "a list": [] };
      return { ...always, "a text": "x", twice: [...value, ...value.slice(0, 1)] };
  }
}

/** The first of a list stands for all of it. */
function placesIn(value: Json, place: Place = []): [Place, Json][] {
  if (typeof value !== "object" || value === null) return [];
  const entries = Array.isArray(value) ? value.slice(0, 1).entries() : Object.entries(value);
  return [...entries].flatMap(([key, each]): [Place, Json][] => [
    [[...place, key], each],
    ...placesIn(each, [...place, key]),
  ]);
}

function moreVariants(config: ReturnType<typeof busyboxConfig>): Variant[] {
  const text = JSON.stringify(config);
  const namespaces = (...more: Json[]): string =>
    JSON.stringify({
      ...config,
      linux: { ...config.linux, namespaces: [...config.linux.namespaces, ...more] },
    });
  const versions = ["1.0", "0.9.0", "1.0.0-rc5", "1.99.0", "2.0.0", "x"];
  return [
    { name: "as it is", text },
    { name: "text behind it", text: `${text} and more` },
    { name: "a key twice", text: text.replace('"hostname":"h"', '"hostname":"h","hostname":"i"') },
    { name: "process in capitals", text: text.replace('"process"', '"Process"') },
    { name: "an empty annotation key", text: text.replace("org.example.a", "") },
    { name: "an empty sysctl key", text: text.replace("net.ipv4.ip_forward", "") },
    { name: "a namespace with an empty path", text: namespaces({ type: "cgroup", path: "" }) },
    { name: "a namespace twice", text: namespaces({ type: "pid" }) },
    { name: "a namespace of no known kind", text: namespaces({ type: "parallel" }) },
    { name: "a namespace with a relative path", text: namespaces({ type: "cgroup", path: "ns" }) },
    ...versions.map((version) => ({ name: `ociVersion ${version}`, text: text.replace("1.0.2", version) })),
  ];
}

/** A bundle of busybox. */
function makeLinuxBench(): Bench {
  const bench = makeBench([], {}, "runc");
  for (const folder of ["bin", "proc", "tmp", "dev", "sys"]) mkdirSync(`${bench.rootfs}/${folder}`);
  copyFileSync("/bin/busybox", `${bench.rootfs}/bin/busybox`);
  symlinkSync("busybox", `${bench.rootfs}/bin/sh`);
  rmSync(`${bench.rootfs}/probe.bin`);
  return bench;
}

/** What a create answers: its code, and its words as engines read them. What it made is gone then. */
function create(runtime: string, { root, bundle, id, folder }: Bench): string {
  const log = `${folder}/create.log`;
  rmSync(log, { force: true });
  const call = (binary: string, ...args: string[]): number =>
    Bun.spawnSync({
      cmd: [binary, "--root", root, ...args],
      stdin: "ignore",
      stdout: "ignore",
      stderr: "ignore",
    }).exitCode ?? -1;
  const code = call(runtime, "--log", log, "--log-format", "json", "create", "--bundle", bundle, id);
  if (code === 0) call("runc", "delete", "--force", id);
  const words = readFileSync(log, { encoding: "utf8", flag: "a+" }).trim().split("\n").filter(Boolean);
  const messages = words.map((line) => JSON.parse(line)).map(({ level, msg }) => `${level}: ${msg}`);
  return [`code ${code}`, ...messages].join("\n").replace(/pid[= ]\d+/g, "pid");
}

test.serial("what a unikernel's config.json may not be, a Linux container's may if runc takes it", (t) => {
  using bench = makeLinuxBench();
  const config = busyboxConfig(bench.id);
  const mattering = [...variantsOf(config), ...moreVariants(config)].filter(({ text }) => {
    try {
      specOf(parseConfig(text, "it"));
      return false;
    } catch {
      return true;
    }
  });
  t.true(mattering.length > 100, String(mattering.length));
  let taken = 0;
  for (const { name, text } of [...mattering, { name: "as it is", text: JSON.stringify(config) }]) {
    writeFileSync(`${bench.bundle}/config.json`, text);
    const theirs = create("runc", bench);
    t.is(create(unikrun, bench), theirs, name);
    if (theirs.startsWith("code 0")) taken++;
  }
  t.true(taken > 30, String(taken));
  t.deepEqual(leftovers(bench), []);
});

for (const [what, program] of [
  ["that is a folder", "/bin"],
  ["that is not there", "/absent"],
  ["that is a text", "/text"],
  ["that has no name", ""],
  ["that is a link to itself", "/loop"],
])
  test.serial(`a program ${what} is runc's to judge`, (t) => {
    using bench = makeLinuxBench();
    writeFileSync(`${bench.rootfs}/text`, "hello", { mode: 0o755 });
    symlinkSync("loop", `${bench.rootfs}/loop`);
    const config = busyboxConfig(bench.id);
    const process = { ...config.process, args: [program] };
    writeFileSync(`${bench.bundle}/config.json`, JSON.stringify({ ...config, process }));
    t.is(create(unikrun, bench), create("runc", bench));
  });

test.serial(
  "settings of the image that can't be read keep no Linux program from running, and a warning says so",
  (t) => {
    using bench = makeLinuxBench();
    writeFileSync(`${bench.bundle}/config.json`, JSON.stringify(busyboxConfig(bench.id)));
    writeFileSync(`${bench.rootfs}/unikrun.json`, '{"memory":"much"}');
    t.regex(create(unikrun, bench), /^code 0\nwarning: \/unikrun\.json of the image: memory .*without them/);
  },
);

test.serial("settings of the image that name a unikernel are never passed over", (t) => {
  using bench = makeLinuxBench();
  writeFileSync(`${bench.bundle}/config.json`, JSON.stringify(busyboxConfig(bench.id)));
  writeFileSync(`${bench.rootfs}/unikrun.json`, '{"kernel":"/app.bin","memory":"much"}');
  t.regex(create(unikrun, bench), /^code 1\nerror: \/unikrun\.json of the image: memory /);
});
