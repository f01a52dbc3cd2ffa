import { execFileSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import test from "ava";
import { type Bench, leftovers, makeBench } from "./harness.ts";

interface Case {
  readonly name: string;
  readonly args?: readonly string[];
  readonly files?: Readonly<Record<string, string>>;
  breakIt(bench: Bench): void;
  /** What the one error line must say. */
  readonly says: RegExp;
}

const configured = (change: Parameters<Bench["configure"]>[0]) => (bench: Bench) => bench.configure(change);

const CASES: readonly Case[] = [
  {
    name: "no config.json",
    breakIt: (bench) => rmSync(`${bench.bundle}/config.json`),
    says: /config\.json/,
  },
  {
    name: "config.json that is not JSON",
    breakIt: (bench) => writeFileSync(`${bench.bundle}/config.json`, "{ not json"),
    says: /config\.json.*JSON/,
  },
  {
    name: "no ociVersion",
    breakIt: configured((config) => Reflect.deleteProperty(config, "ociVersion")),
    says: /ociVersion/,
  },
  {
    name: "an ociVersion of the future",
    breakIt: configured((config) => Object.assign(config, { ociVersion: "9.0.0" })),
    says: /ociVersion.*9\.0\.0/,
  },
  {
    name: "process.args with a number in it",
    breakIt: configured((config) => Object.assign(config.process, { args: ["/probe.bin", 7] })),
    says: /process\.args\[1\]/,
  },
  {
    name: "no process.args",
    breakIt: configured((config) => Object.assign(config.process, { args: [] })),
    // Nothing tells that it was to be a unikernel.
    says: /args must not be empty/,
  },
  {
    name: "no process.args and a kernel named",
    files: { "unikrun.json": '{"kernel":"/probe.bin"}' },
    breakIt: configured((config) => Object.assign(config.process, { args: [] })),
    says: /process\.args/,
  },
  {
    name: "a relative cwd",
    breakIt: configured((config) => Object.assign(config.process, { cwd: "here" })),
    says: /process\.cwd/,
  },
  {
    name: "a root file system that is not there",
    breakIt: (bench) => rmSync(bench.rootfs, { recursive: true }),
    says: /root file system .*rootfs/,
  },
  {
    name: "a root file system that is a file",
    breakIt: (bench) => {
      rmSync(bench.rootfs, { recursive: true });
      writeFileSync(bench.rootfs, "");
    },
    says: /root file system .*rootfs/,
  },
  {
    name: "a kernel named in /unikrun.json that is not in the image",
    files: { "unikrun.json": '{"kernel":"/absent.bin"}' },
    breakIt: () => {},
    says: /\/absent\.bin/,
  },
  {
    name: "a kernel that is a text file",
    files: { "unikrun.json": '{"kernel":"/text"}', text: "hello" },
    breakIt: () => {},
    says: /\/text/,
  },
  {
    name: "a kernel that is a folder",
    files: { "unikrun.json": '{"kernel":"/folder"}' },
    breakIt: (bench) => mkdirSync(`${bench.rootfs}/folder`),
    says: /\/folder/,
  },
  {
    name: "a kernel that is a pipe",
    files: { "unikrun.json": '{"kernel":"/pipe"}' },
    breakIt: (bench) => makePipe(`${bench.rootfs}/pipe`),
    says: /\/pipe/,
  },
  {
    name: "a config.json that is a pipe",
    breakIt: (bench) => {
      rmSync(`${bench.bundle}/config.json`);
      makePipe(`${bench.bundle}/config.json`);
    },
    says: /config\.json .*no regular file/,
  },
  {
    name: "a config.json that never ends",
    breakIt: (bench) => {
      rmSync(`${bench.bundle}/config.json`);
      symlinkSync("/dev/zero", `${bench.bundle}/config.json`);
    },
    says: /config\.json .*no regular file/,
  },
  {
    name: "a config.json of 6 GiB",
    breakIt: (bench) => truncateSync(`${bench.bundle}/config.json`, 6 * 2 ** 30),
    says: /config\.json .*6442450944 bytes/,
  },
  {
    name: "a kernel that is cut short",
    breakIt: (bench) => truncateSync(`${bench.rootfs}/probe.bin`, 8192),
    says: /\/probe\.bin.*(cut short|truncated|ends)/,
  },
  {
    name: "a 32-bit kernel",
    files: { "unikrun.json": '{"kernel":"/probe.bin"}' },
    breakIt: (bench) => patch(bench, 4, 1),
    says: /\/probe\.bin.*it has a multiboot header.*marks of none of the families/,
  },
  {
    name: "a kernel for another processor",
    files: { "unikrun.json": '{"kernel":"/probe.bin"}' },
    breakIt: (bench) => patch(bench, 18, 0xb7),
    says: /\/probe\.bin.*x86-64/,
  },
  {
    name: "a kernel link that leads out of the image",
    files: { "unikrun.json": '{"kernel":"/link"}' },
    breakIt: (bench) => symlinkSync("../../../../../../../../etc/passwd", `${bench.rootfs}/link`),
    says: /\/link/,
  },
  {
    name: "a kernel link that leads to itself",
    files: { "unikrun.json": '{"kernel":"/loop"}' },
    breakIt: (bench) => symlinkSync("loop", `${bench.rootfs}/loop`),
    says: /\/loop/,
  },
  {
    name: "/unikrun.json that is not JSON",
    files: { "unikrun.json": "kernel=/probe.bin" },
    breakIt: () => {},
    says: /unikrun\.json/,
  },
  {
    name: "/unikrun.json with a field that only the host may set",
    files: { "unikrun.json": '{"kernel":"/probe.bin","qemu":"/bin/sh"}' },
    breakIt: () => {},
    says: /unikrun\.json.*qemu/,
  },
  {
    name: "/unikrun.json with memory that is a word",
    files: { "unikrun.json": '{"memory":"much"}' },
    breakIt: () => {},
    says: /unikrun\.json.*memory/,
  },
  {
    name: "a disk that is not in the image",
    files: { "unikrun.json": '{"kernel":"/probe.bin","disks":[{"path":"/data.iso","mountpoint":"/data"}]}' },
    breakIt: () => {},
    says: /\/data\.iso/,
  },
  {
    name: "a family that the kernel is not of",
    files: { "unikrun.json": '{"kernel":"/probe.bin","family":"unikraft"}' },
    breakIt: () => {},
    says: /unikraft|family/,
  },
  {
    name: "a network namespace that is gone",
    breakIt: configured((config) => {
      for (const namespace of config.linux.namespaces)
        if (namespace.type === "network") namespace.path = "/run/netns/absent";
    }),
    says: /network namespace \/run\/netns\/absent/,
  },
  {
    name: "the host's network",
    breakIt: configured((config) => {
      config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "network");
    }),
    says: /host's network/,
  },
  {
    name: "a network device of the host's",
    breakIt: configured((config) => Object.assign(config.linux, { netDevices: { eth7: { name: "eth0" } } })),
    says: /network device "eth7"/,
  },
  {
    name: "a namespace of no known kind",
    breakIt: configured((config) => void config.linux.namespaces.push({ type: "parallel" })),
    says: /namespaces\[\d\].*parallel/,
  },
  {
    name: "the same namespace twice",
    breakIt: configured((config) => void config.linux.namespaces.push({ type: "pid" })),
    says: /namespaces.*pid/,
  },
  {
    name: "a user namespace without users",
    breakIt: configured((config) => void config.linux.namespaces.push({ type: "user" })),
    says: /uidMappings .*maps nobody/,
  },
  {
    name: "a memory limit below what the guest needs",
    breakIt: configured((config) => {
      config.linux.resources.memory = { limit: 8 << 20 };
    }),
    says: /memory limit of 8 MiB.*raise/,
  },
  {
    name: "more memory than there is",
    files: { "unikrun.json": '{"memory":1000000}' },
    breakIt: () => {},
    says: /1000000 MiB of memory for the guest are more than the \d+ MiB that this host has/,
  },
  {
    name: "a quote in an argument",
    args: ["echo", 'say "hi"'],
    breakIt: () => {},
    says: /argument.*"/,
  },
  {
    name: "a quote in the environment",
    breakIt: configured((config) => void config.process.env.push('GREETING=say "hi"')),
    says: /GREETING/,
  },
  {
    name: "arguments of more than 65,535 bytes",
    args: ["echo", "x".repeat(70_000)],
    breakIt: () => {},
    says: /65,?535/,
  },
  {
    name: "a host name that is too long",
    breakIt: configured((config) => Object.assign(config, { hostname: "h".repeat(300) })),
    says: /host name|hostname/,
  },
  {
    name: "a hook that is not there",
    breakIt: configured((config) =>
      Object.assign(config, { hooks: { createRuntime: [{ path: "/absent/hook" }] } }),
    ),
    says: /createRuntime hook \/absent\/hook/,
  },
  {
    name: "a hook that fails",
    breakIt: configured((config) => Object.assign(config, { hooks: { prestart: [{ path: "/bin/false" }] } })),
    says: /prestart hook \/bin\/false failed/,
  },
  {
    name: "a hook that takes too long",
    breakIt: configured((config) =>
      Object.assign(config, {
        hooks: { createContainer: [{ path: "/bin/sleep", args: ["sleep", "60"], timeout: 1 }] },
      }),
    ),
    says: /createContainer hook \/bin\/sleep.*timeout of 1 s/,
  },
  {
    name: "a terminal without a console socket",
    breakIt: configured((config) => Object.assign(config.process, { terminal: true })),
    says: /--console-socket/,
  },
  {
    name: "a sysctl that does not exist",
    breakIt: configured((config) => Object.assign(config.linux, { sysctl: { "net.absent": "1" } })),
    says: /net\/absent|net\.absent/,
  },
];

function makePipe(path: string): void {
  execFileSync("mkfifo", [path]);
}

for (const { name, args, files, breakIt, says } of CASES) {
  test.serial(`a bundle with ${name} gets one clear line and leaves nothing`, (t) => {
    using bench = makeBench(args ?? ["return", "0"], files);
    breakIt(bench);
    let outcome = bench.call("create");
    if (outcome.code === 0) {
      outcome = bench.call("start", bench.id);
      bench.wait();
    }
    const errors = outcome.log.filter(({ level }) => level === "error");
    t.not(outcome.code, 0);
    t.is(errors.length, 1, JSON.stringify(outcome));
    t.regex(errors[0]?.msg ?? "", says);
    t.notRegex(errors[0]?.msg ?? "", /\n|undefined|\[object/);
    bench.call("delete", "--force", bench.id);
    t.deepEqual(leftovers(bench), []);
  });
}

test.serial("a network namespace without interfaces boots without a card, and a warning says so", (t) => {
  using bench = makeBench(["return", "3"]);
  t.is(bench.call("create").code, 0);
  const started = bench.call("start", bench.id);
  t.is(started.code, 0, started.stderr);
  t.true(started.log.some(({ level, msg }) => level === "warning" && /no interface but lo/.test(msg)));
  t.is(bench.wait(), 3);
});

for (const name of [
  "a,b=c,id=x.bin",
  "with space.bin",
  "quote'd.bin",
  'double"d.bin',
  "brace{d.bin",
  "new\nline.bin",
  `${"n".repeat(250)}.bin`,
]) {
  test.serial(
    `a kernel whose file name is ${JSON.stringify(name.slice(0, 20))} boots, since no name reaches QEMU`,
    (t) => {
      using bench = makeBench(["return", "5"]);
      copyFileSync(`${bench.rootfs}/probe.bin`, `${bench.rootfs}/${name}`);
      writeFileSync(`${bench.rootfs}/unikrun.json`, JSON.stringify({ kernel: `/${name}` }));
      const created = bench.call("create");
      t.is(created.code, 0, created.stderr);
      t.is(bench.call("start", bench.id).code, 0);
      t.is(bench.wait(), 5);
    },
  );
}

test.serial("a kernel that only root may read boots", (t) => {
  using bench = makeBench(["return", "6"]);
  chmodSync(`${bench.rootfs}/probe.bin`, 0o600);
  t.is(bench.call("create").code, 0);
  t.is(bench.call("start", bench.id).code, 0);
  t.is(bench.wait(), 6);
});

function patch(bench: Bench, offset: number, byte: number): void {
  const file = `${bench.rootfs}/probe.bin`;
  const data = readFileSync(file);
  data[offset] = byte;
  writeFileSync(file, data);
}
