import { existsSync, rmSync } from "node:fs";
import test from "ava";
import { loadProgram } from "../../native/bpf.ts";
import { openNetlink } from "../../native/netlink.ts";
import { inNetworkNamespace } from "../../native/process.ts";
import { listLinks } from "../../native/rtnetlink.ts";
import { addIngress, addProgram, programNames, redirectTargets } from "../../native/traffic-control.ts";
import { isTapName } from "../../runtime/network/taps.ts";
import { unwireNetwork } from "../../runtime/network/unwire.ts";
import { wireNetwork } from "../../runtime/network/wire.ts";
import { makeNetns, run } from "./netns.ts";

const linksOf = (netns: string) =>
  inNetworkNamespace(netns, () => {
    using netlink = openNetlink();
    return listLinks(netlink).map((link) => ({
      ...link,
      targets: redirectTargets(netlink, link.index),
      programs: programNames(netlink, link.index),
    }));
  });

const programsIn = (netns: string): number => linksOf(netns).flatMap(({ programs }) => programs).length;

test.serial("an interface's MAC, MTU, addresses and gateway are the card's, and frames go both ways", (t) => {
  using netns = makeNetns();
  using wiring = wireNetwork({ netns: netns.path, containerId: "c1", limit: 8 });
  const card = wiring.nics.find(({ link }) => link.name === "eth0");
  t.is(card?.mac, "02:42:0a:09:00:02");
  t.is(card?.mtu, 1400);
  t.deepEqual(card?.addresses, [
    { family: 4, address: "10.9.0.2", prefix: 24 },
    { family: 6, address: "fd09::2", prefix: 64 },
  ]);
  t.deepEqual(card?.gateways, [{ family: 4, address: "10.9.0.1" }]);
  const links = linksOf(netns.path);
  const eth0 = links.find(({ name }) => name === "eth0");
  const tap = links.find(({ name, targets }) => isTapName(name) && targets[0] === eth0?.index);
  t.deepEqual(eth0?.targets, [tap?.index ?? 0]);
  t.is(tap?.mtu, 1400);
});

test.serial("a wiring that is not kept leaves the namespace as it was", (t) => {
  using netns = makeNetns();
  const before = linksOf(netns.path);
  {
    using wiring = wireNetwork({ netns: netns.path, containerId: "c1", limit: 8 });
    t.is(wiring.share(wiring.nics), null);
    // Three for programs beside the guest, and of a small MTU two for the size of segments.
    t.is(programsIn(netns.path), 5);
  }
  t.deepEqual(linksOf(netns.path), before);
});

test.serial("an interface that another machine has is refused, and stays that machine's", (t) => {
  using netns = makeNetns();
  using first = wireNetwork({ netns: netns.path, containerId: "c1", limit: 8 });
  const before = linksOf(netns.path);
  t.throws(() => wireNetwork({ netns: netns.path, containerId: "c2", limit: 8 }), {
    message: /interface \S+ of its network namespace is already in use/,
  });
  t.deepEqual(linksOf(netns.path), before);
  t.true(first.taps.length > 0);
});

test.serial("an interface with others' filters is refused, and they stay", (t) => {
  using netns = makeNetns();
  const filters = (): string => run(`tc -n ${netns.path.replace(/^.*\//, "")} filter show dev eth0 ingress`);
  inNetworkNamespace(netns.path, () => {
    using netlink = openNetlink();
    const eth0 = listLinks(netlink).find(({ name }) => name === "eth0")?.index ?? 0;
    addIngress(netlink, eth0);
    using program = loadProgram("others", "r0 = 0; exit");
    addProgram(netlink, { from: eth0, priority: 1, protocol: "all", program: program.fd, name: "others" });
  });
  const before = filters();
  t.throws(() => wireNetwork({ netns: netns.path, containerId: "c1", limit: 8 }), {
    message: /already in use by another machine or traffic filter/,
  });
  t.is(filters(), before);
  t.regex(before, /others/);
});

test.serial(
  "redirects of a machine that is gone are taken over, and removed when the container is deleted",
  (t) => {
    using netns = makeNetns();
    const dead = wireNetwork({ netns: netns.path, containerId: "c1", limit: 8 });
    t.is(dead.share(dead.nics), null);
    dead.keep();
    dead[Symbol.dispose]();
    const stale = linksOf(netns.path).find(({ name }) => name === "eth0");
    t.deepEqual(stale?.targets, [0]);
    const next = wireNetwork({ netns: netns.path, containerId: "c2", limit: 8 });
    t.is(next.share(next.nics), null);
    next.keep();
    next[Symbol.dispose]();
    unwireNetwork({ netns: netns.path, containerId: "c1", begun: true });
    t.is(programsIn(netns.path), 1, "on lo it is another's");
    unwireNetwork({ netns: netns.path, containerId: "c2", begun: true });
    t.is(programsIn(netns.path), 0);
    t.deepEqual(linksOf(netns.path).find(({ name }) => name === "eth0")?.targets, []);
  },
);

test.serial("one call at a time changes a namespace", async (t) => {
  using netns = makeNetns();
  const done = `/tmp/${netns.path.replace(/^.*\//, "")}`;
  t.teardown(() => rmSync(done, { force: true }));
  const holder = Bun.spawn({
    cmd: ["flock", netns.path, "sh", "-c", `echo held; sleep 0.3; touch ${done}`],
    stdout: "pipe",
  });
  await holder.stdout.getReader().read();
  using wiring = wireNetwork({ netns: netns.path, containerId: "c1", limit: 8 });
  t.true(existsSync(done));
  t.true(wiring.nics.length > 0);
  await holder.exited;
});

test.serial("more interfaces than the guest can drive are refused", (t) => {
  using netns = makeNetns();
  t.throws(() => wireNetwork({ netns: netns.path, containerId: "c1", limit: 0 }), { message: /can drive 0/ });
});
