/** A guest whose kernel takes system calls is told that it is another's, and nobody else reaches where it takes them. */
import test, { type ExecutionContext } from "ava";
import { inNetworkNamespace } from "../../native/process.ts";
import { startContainer } from "../../runtime/container/life/start.ts";
import { type Container, netnsOf } from "../../runtime/container/record/container.ts";
import { readContainer } from "../../runtime/container/record/store.ts";
import { knownNeighbours, tellIdentity } from "../../runtime/container/warm/identity.ts";
import type { BootNic } from "../../runtime/guest/guest.ts";
import { PROXY_PORT } from "../../runtime/network/shut.ts";
import { run } from "../network/netns.ts";
import { type Bench, makeBench, placeInNetwork } from "./harness.ts";

const GATEWAY = "10.9.0.1";

const card = (last: number): BootNic => ({
  mac: `02:42:0a:09:00:0${last}`,
  mtu: 1500,
  addresses: [{ family: 4, address: `10.9.0.${last}`, prefix: 24 }],
  gateways: [{ family: 4, address: GATEWAY }],
});

/** The container's namespace, as an engine has it, and the gateway's. */
function makeNetwork(t: ExecutionContext, card: BootNic): { own: string; gateway: string } {
  const own = `uktest-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  const gateway = `${own}-gw`;
  for (const name of [own, gateway]) {
    run(`ip netns add ${name}`);
    t.teardown(() => run(`ip netns del ${name}`));
    run(`ip -n ${name} link set lo up`);
  }
  run(`ip -n ${own} link add eth0 type veth peer name eth0 netns ${gateway}`);
  run(`ip -n ${gateway} addr add ${GATEWAY}/24 dev eth0`);
  run(`ip -n ${gateway} link set eth0 up`);
  run(`ip -n ${own} link set eth0 up`);
  giveAddress(own, card);
  return { own, gateway };
}

function giveAddress(netns: string, { mac, addresses, gateways }: BootNic): void {
  run(`ip -n ${netns} link set eth0 address ${mac}`);
  run(`ip -n ${netns} addr flush dev eth0`);
  for (const { address, prefix } of addresses) run(`ip -n ${netns} addr add ${address}/${prefix} dev eth0`);
  for (const { address } of gateways) run(`ip -n ${netns} route replace default via ${address}`);
}

async function started(t: ExecutionContext, args: readonly string[], proxy: boolean, own = card(2)) {
  const network = makeNetwork(t, own);
  const bench = makeBench(args);
  t.teardown(() => bench[Symbol.dispose]());
  placeInNetwork(bench, `/run/netns/${network.own}`);
  t.is(bench.call("create").code, 0);
  const container = readContainer(bench.root, bench.id) as Container;
  await startContainer(bench.root, container, { proxy });
  while (!bench.output().includes("main()")) await Bun.sleep(20);
  return { bench, container, network };
}

const ask = (bench: Bench, url: string): string => {
  const { code, stdout, stderr } = bench.call("exec", bench.id, "unikrun", "http", url);
  if (code !== 0) throw new Error(stderr);
  return stdout;
};

/** Whether it connects within a second; a connection of our own that is still trying would keep this process for two minutes. */
const connects = (netns: string, host: string, port: number): boolean =>
  Bun.spawnSync(
    ["ip", "netns", "exec", netns, "timeout", "1", "bash", "-c", `exec 3<>/dev/tcp/${host}/${port}`],
    { stderr: "ignore" },
  ).exitCode === 0;

/** Whether it connects within 20 s. */
function reaches(...where: Parameters<typeof connects>): boolean {
  const deadline = performance.now() + 20_000;
  while (performance.now() < deadline) if (connects(...where)) return true;
  return false;
}

test("a guest that is told so has another's addresses, host name, time and random numbers", async (t) => {
  const { bench, container, network } = await started(t, ["http"], true);
  t.true(reaches(network.gateway, "10.9.0.2", 80));
  giveAddress(network.own, card(3));
  await tellIdentity(
    { ...container, guest: { ...container.guest, hostname: "another" } },
    {
      from: card(2),
      to: card(3),
    },
  );
  const { nics, gateways, hostname } = JSON.parse(ask(bench, "/config"));
  t.is(hostname, "another");
  t.deepEqual(gateways, [GATEWAY]);
  const [{ mac, addresses }] = nics;
  t.is(mac, "02:42:0a:09:00:03");
  t.deepEqual(addresses, ["10.9.0.3/24", "fe80::42:aff:fe09:3/64"]);
  const told = JSON.parse(ask(bench, "/told"));
  t.true(Math.abs(told.clock - Date.now() / 1000) < 600);
  t.is(told.entropy, 32);
  t.true(reaches(network.gateway, "10.9.0.3", 80));
  t.false(connects(network.gateway, "10.9.0.2", 80));
});

test("on a network without a gateway, and with another MAC address alone", async (t) => {
  const inside = (last: number, address: number): BootNic => ({
    ...card(last),
    addresses: [{ family: 4, address: `10.9.0.${address}`, prefix: 24 }],
    gateways: [],
  });
  const { bench, container, network } = await started(t, ["http"], true, inside(2, 252));
  // The address that the first visitor would have.
  for (const [from, to] of [
    [inside(2, 252), inside(3, 9)],
    [inside(3, 9), inside(4, 9)],
  ] as const) {
    giveAddress(network.own, to);
    await tellIdentity(container, { from, to });
    const { mac, addresses } = JSON.parse(ask(bench, "/config")).nics[0];
    t.is(mac, to.mac);
    t.is(addresses[0], "10.9.0.9/24");
    t.true(reaches(network.gateway, "10.9.0.9", 80));
  }
});

test("a guest says which neighbours it knows", async (t) => {
  const { container, network } = await started(t, ["http"], true);
  t.true(reaches(network.gateway, "10.9.0.2", 80));
  t.true((await knownNeighbours(container)).includes(GATEWAY));
});

test("what it asks others then comes from its new address", async (t) => {
  const { bench, container, network } = await started(t, ["http"], true);
  const server = inNetworkNamespace(`/run/netns/${network.gateway}`, () =>
    Bun.serve({
      hostname: "0.0.0.0",
      port: 8000,
      fetch: (request, at) => new Response(`from ${at.requestIP(request)?.address}`),
    }),
  );
  t.teardown(() => server.stop(true));
  giveAddress(network.own, card(3));
  await tellIdentity(container, { from: card(2), to: card(3) });
  // A new connection each time, as the server is not behind the visitor.
  const answer = await fromGuest(bench, `/connect?host=${GATEWAY}&port=8000&path=/`);
  t.regex(answer, /from 10\.9\.0\.3$/);
});

/** Our own server answers, so we must not wait for it. */
async function fromGuest(bench: Bench, url: string): Promise<string> {
  const exec = Bun.spawn({
    cmd: [
      `${import.meta.dirname}/../../dist/unikrun`,
      "--root",
      bench.root,
      "exec",
      bench.id,
      "unikrun",
      "http",
      url,
    ],
    stdout: "pipe",
  });
  return await exec.stdout.text();
}

test("nobody else reaches where it takes system calls", async (t) => {
  const { bench, network } = await started(t, ["http"], true);
  t.regex(bench.output(), /sysproxy listening at: tcp:\/\/0\.0\.0\.0:28671\r?\n/);
  for (const [netns, address] of [
    [network.gateway, "10.9.0.2"],
    [network.own, "10.9.0.2"],
    [network.own, "127.0.0.1"],
  ] as const) {
    t.true(reaches(netns, address, 80), `${address} in ${netns}`);
    t.false(connects(netns, address, PROXY_PORT), `${address} in ${netns}`);
  }
  t.is(bench.call("exec", bench.id, "unikrun", "tcp", String(PROXY_PORT)).code, 0);
});

test("a guest that takes no system calls is not told, and that is said", async (t) => {
  for (const [args, why] of [
    [["http"], /connection refused/],
    [["tcp", String(PROXY_PORT)], /no greeting|no server of system calls|did not answer in time/],
  ] as const) {
    const { container } = await started(t, args, false);
    t.true(netnsOf(container).startsWith("/run/netns/"));
    const error = await t.throwsAsync(tellIdentity(container, { from: card(2), to: card(3) }));
    t.regex(
      error.message,
      /can't go on from a guest that had 10\.9\.0\.2: telling it that it has 10\.9\.0\.3 failed/,
    );
    t.regex(error.message, why);
  }
});

test("a guest that goes on from a checkpoint has the port shut as before", async (t) => {
  const { bench, network } = await started(t, ["http"], true);
  const image = `${bench.folder}/image`;
  t.is(bench.call("checkpoint", "--image-path", image, bench.id).code, 0);
  t.is(bench.wait(), 137);
  t.is(bench.call("delete", bench.id).code, 0);
  const place = ["--bundle", bench.bundle, "--pid-file", `${bench.folder}/pid`];
  const { code, stderr } = bench.call("restore", "--detach", "--image-path", image, ...place, bench.id);
  t.is(code, 0, stderr);
  t.true(reaches(network.gateway, "10.9.0.2", 80));
  t.false(connects(network.gateway, "10.9.0.2", PROXY_PORT));
  t.is(bench.call("exec", bench.id, "unikrun", "tcp", String(PROXY_PORT)).code, 0);
});
