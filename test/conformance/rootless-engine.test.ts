/** Unikernels without the host's root: as rootless engines call the runtime, in a user namespace, and with no cgroup of their own. */
import {
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import test from "ava";
import { askMachine } from "../../native/control.ts";
import { run } from "../network/netns.ts";
import { isRow } from "../troubleshooting.ts";
import { ask } from "./ask.ts";
import { leftovers, start, until } from "./harness.ts";
import { makeUsersHost, outside, USER } from "./users-host.ts";

const statusOf = (pid: number): string => readFileSync(`/proc/${pid}/status`, "utf8");
const uidsOf = (pid: number): number[] => [
  ...new Set(/^Uid:(.*)$/m.exec(statusOf(pid))?.[1]?.trim().split(/\s+/).map(Number)),
];

const GREETING = /the unikrun probe guest/;

const page = async (url: string, init?: RequestInit): Promise<string> => (await ask(url, init)).text();

test.serial(
  "a guest runs, is reached from outside and from beside it, and ends, and nothing is left",
  async (t) => {
    const host = makeUsersHost(t, 65_537);
    const bench = host.makeBench(["http", "80"]);
    const { ipv4: address, ipv6 } = host.connect(bench);
    const names = `${bench.folder}/resolv.conf`;
    writeFileSync(names, "nameserver 10.232.255.1\n");
    bench.configure((config) =>
      Object.assign(config, {
        mounts: [{ destination: "/etc/resolv.conf", source: names, options: ["rbind", "ro"] }],
      }),
    );
    start(t, bench);
    t.regex(await page(`http://${address}/`), GREETING);

    for (const own of [address, `[${ipv6}]`]) {
      const { stdout } = host.inNetwork("curl", "-sS", "-m", "10", `http://${own}/`);
      t.regex(stdout, GREETING, `${own}, from beside it, as a port's forwarder`);
    }
    // From off its link, so that it answers by its gateway.
    run("ip addr add fd33::1/128 dev lo nodad");
    t.teardown(() => run("ip addr del fd33::1/128 dev lo"));
    t.regex(run(`curl -sS -m 10 --interface fd33::1 http://[${ipv6}]/`), GREETING);
    t.regex(bench.call("exec", bench.id, "unikrun", "http", "/").stdout, GREETING);

    t.regex(
      bench.call("exec", bench.id, "unikrun", "dns", "name").stderr,
      /^unikrun: .*have the guest look them up/,
    );

    // The command's tool may take a moment to be gone.
    until(() => JSON.parse(bench.call("ps", "--format", "json", bench.id).stdout).length === 2);
    t.is(bench.call("pause", bench.id).code, 0);
    t.is(JSON.parse(bench.call("state", bench.id).stdout).status, "paused");
    t.is(bench.call("resume", bench.id).code, 0);
    t.is(JSON.parse(bench.call("state", bench.id).stdout).status, "running");
    t.regex(await page(`http://${address}/`), GREETING);
    t.is(JSON.parse(bench.call("events", "--stats", bench.id).stdout).data.network_interfaces.length, 1);

    t.is(bench.call("kill", bench.id, "TERM").code, 0);
    t.is(bench.wait(), 143);
    t.is(bench.call("delete", bench.id).code, 0);
    t.deepEqual(leftovers(bench), []);
    t.regex(
      host.inNetwork("ip", "route", "show", "table", "local").stdout,
      new RegExp(`^local ${address} dev eth0`, "m"),
      "what beside it was led to the guest is the namespace's again",
    );
    t.deepEqual(readdirSync(host.runtimeFolder), ["unikrun-host"]);
    t.is(statSync(`${host.runtimeFolder}/unikrun-host`).mode & 0o777, 0o700);
  },
);

test.serial("its VMM has a uid of the namespace's for itself, no capability, no group, and a cage", (t) => {
  const host = makeUsersHost(t, 65_537);
  const bench = host.makeBench(["sleep", "1000"]);
  start(t, bench);
  const [init, vmm = 0] = JSON.parse(bench.call("ps", "--format", "json", bench.id).stdout) as number[];
  t.is(init, bench.pid());
  t.deepEqual(uidsOf(bench.pid()), [USER]);
  const [uid = 0, ...others] = uidsOf(vmm);
  t.deepEqual(others, []);
  t.true(uid > outside(40_000) && uid < outside(65_534), String(uid));
  for (const fact of [
    "CapEff:\t0000000000000000",
    "CapBnd:\t0000000000000000",
    "Seccomp:\t2",
    "NoNewPrivs:\t1",
  ])
    t.true(statusOf(vmm).includes(fact), fact);
  t.regex(statusOf(vmm), /^Groups:\s*$/m);
  const root = `/proc/${vmm}/root`;
  for (const absent of ["proc", "sys", "home", "etc/passwd", "dev/net"])
    t.false(existsSync(`${root}/${absent}`));
  const mounts = readFileSync(`/proc/${vmm}/mountinfo`, "utf8").trim().split("\n");
  const writable = mounts.filter((line) => !/^(\S+ ){5}ro\b/.test(line)).map((line) => line.split(" ")[4]);
  t.deepEqual(writable.sort(), ["/dev/null", "/guest/memory"]);
});

test.serial("what its guest writes into a volume has the owners that the namespace shows", async (t) => {
  const host = makeUsersHost(t, 65_537);
  const bench = host.makeBench(["http", "80"]);
  const { ipv4: address } = host.connect(bench);
  const volume = `${bench.folder}/volume`;
  mkdirSync(volume);
  writeFileSync(`${volume}/given`, "from the host");
  chownSync(volume, USER, USER);
  chownSync(`${volume}/given`, outside(33), outside(33));
  bench.configure((config) =>
    Object.assign(config, { mounts: [{ destination: "/data", source: volume, options: ["rbind"] }] }),
  );
  t.is(bench.call("create").code, 0);
  const { code, log } = bench.call("start", bench.id);
  t.is(code, 0);
  isRow(t, "its kernel's port for system calls can't be shut to others", log.at(-1)?.msg ?? "");
  t.regex(await page(`http://${address}/stat?path=/data/given`), /\b33\b/);
  await page(`http://${address}/file?path=/data/made&sync=1`, { method: "PUT", body: "by the guest" });
  t.true(existsSync(`${host.store}/volumes`), "its disk is in the user's own store");
  bench.call("kill", bench.id, "KILL");
  bench.wait();
  t.is(bench.call("delete", bench.id).code, 0);
  t.is(readFileSync(`${volume}/made`, "utf8"), "by the guest");
  t.is(statSync(`${volume}/made`).uid, USER);
  t.is(statSync(`${volume}/given`).uid, outside(33));
});

test.serial(
  "limits that can't be had are refused in one sentence, since nobody is to believe in them",
  (t) => {
    const host = makeUsersHost(t, 65_537);
    const bench = host.makeBench(["return", "0"]);
    bench.configure(({ linux }) =>
      Object.assign(linux.resources, { memory: { limit: 1e8 }, pids: { limit: 50 } }),
    );
    const { code, log } = bench.call("create");
    t.is(code, 1);
    t.regex(
      log.at(-1)?.msg ?? "",
      /^Container \S+: its limits \(memory, pids\) can't be had, .*leave them out/,
    );
    bench.configure(({ linux }) => Object.assign(linux, { resources: { memory: { limit: 1e8 } } }));
    isRow(t, "its limits (memory) can't be had", bench.call("create").log.at(-1)?.msg ?? "");
    t.deepEqual(leftovers(bench), []);
  },
);

test.serial("with one id alone its VMM has that, and all else is as tight", (t) => {
  const host = makeUsersHost(t, 1);
  const bench = host.makeBench(["sleep", "1000"]);
  start(t, bench);
  const [, vmm = 0] = JSON.parse(bench.call("ps", "--format", "json", bench.id).stdout) as number[];
  t.deepEqual(uidsOf(vmm), [USER]);
  t.true(statusOf(vmm).includes("CapEff:\t0000000000000000"));
  t.true(statusOf(vmm).includes("CapBnd:\t0000000000000000"));
  t.is(bench.call("delete", "--force", bench.id).code, 0);
  bench.wait();
  t.deepEqual(leftovers(bench), []);
});

const kvmTest = existsSync("/dev/kvm") ? test.serial : test.serial.skip;

kvmTest("KVM is used by who may as a member of its group, and the VMM has no other right by that", (t) => {
  const host = makeUsersHost(t, 65_537, true);
  const bench = host.makeBench(["sleep", "1000"]);
  bench.configure((config) => Object.assign(config, { annotations: { "org.unikrun.accelerator": "kvm" } }));
  start(t, bench);
  t.like(askMachine(`${bench.root}/${bench.id}`, { execute: "query-kvm" }), { enabled: true });
  const [, vmm = 0] = JSON.parse(bench.call("ps", "--format", "json", bench.id).stdout) as number[];
  t.true((uidsOf(vmm)[0] ?? 0) > outside(40_000));
  t.deepEqual(readdirSync(`/proc/${vmm}/root/dev`).sort(), ["kvm", "null"]);
});
