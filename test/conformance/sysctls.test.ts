/** linux.sysctl: only what a container has apart from its host (runc's libcontainer/configs/validate). */
import { readFileSync } from "node:fs";
import test from "ava";
import { type Bench, makeBench } from "./harness.ts";

const configure = (bench: Bench, sysctl: Readonly<Record<string, string>>, without?: string): void =>
  bench.configure((config) => {
    Object.assign(config.linux, {
      sysctl,
      namespaces: config.linux.namespaces.filter(({ type }) => type !== without),
    });
  });

/** In the container's network and IPC namespaces. */
const inContainer = (bench: Bench, path: string): string =>
  Bun.spawnSync(["nsenter", "-t", `${bench.pid()}`, "-n", "-i", "-u", "cat", `/proc/sys/${path}`])
    .stdout.toString()
    .trim();

test.serial("those of the container's namespaces are set there, and not on the host", (t) => {
  const paths = ["net/ipv4/ip_forward", "net/ipv4/conf/lo/forwarding", "kernel/msgmax", "fs/mqueue/msg_max"];
  const before = paths.map((path) => readFileSync(`/proc/sys/${path}`, "utf8"));
  using bench = makeBench(["sleep", "1000"]);
  configure(bench, {
    "net.ipv4.ip_forward": "1",
    "net/ipv4/conf/lo/forwarding": "0",
    "kernel.msgmax": "8197",
    "fs.mqueue.msg_max": "17",
    "kernel.domainname": "example.org",
  });
  const { code, log } = bench.call("create");
  t.is(code, 0, log.at(-1)?.msg);
  t.deepEqual(
    paths.map((path) => inContainer(bench, path)),
    ["1", "0", "8197", "17"],
  );
  t.is(inContainer(bench, "kernel/domainname"), "example.org");
  t.deepEqual(
    paths.map((path) => readFileSync(`/proc/sys/${path}`, "utf8")),
    before,
  );
});

for (const [name, without, says] of [
  ["vm.overcommit_ratio", undefined, /is of the host's whole kernel/],
  ["kernel.core_pattern", undefined, /is of the host's whole kernel/],
  ["kernel/core_pattern", undefined, /is of the host's whole kernel/],
  ["net/../kernel/core_pattern", undefined, /is no sysctl's name/],
  ["net.//.kernel.core_pattern", undefined, /is no sysctl's name/],
  ["net..kernel", undefined, /is no sysctl's name/],
  ["fs.mqueue.msg_max", "ipc", /would be the host's, whose IPC namespace it shares/],
  ["kernel.shmmax", "ipc", /would be the host's, whose IPC namespace it shares/],
  ["kernel.domainname", "uts", /would be the host's, whose UTS namespace it shares/],
  ["kernel.hostname", undefined, /contradicts the host name/],
] as const)
  test.serial(
    `${name} ${without ? `without an own ${without} namespace ` : ""}is refused in a sentence`,
    (t) => {
      using bench = makeBench(["sleep", "1000"]);
      configure(bench, { [name]: "1" }, without);
      const { code, stderr } = bench.call("create");
      t.is(code, 1);
      t.regex(stderr, says);
      t.true(stderr.includes(JSON.stringify(name)), stderr);
    },
  );

test.serial("an IPC namespace that is given by path, and is the host's, is the host's", (t) => {
  using bench = makeBench(["sleep", "1000"]);
  bench.configure((config) => {
    const namespaces = config.linux.namespaces.map((each) =>
      each.type === "ipc" ? { ...each, path: `/proc/${process.pid}/ns/ipc` } : each,
    );
    Object.assign(config.linux, { sysctl: { "kernel.shmmax": "1" }, namespaces });
  });
  t.regex(bench.call("create").stderr, /would be the host's, whose IPC namespace it shares/);
});
