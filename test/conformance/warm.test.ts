/** Warm starts: which containers go on from a guest that was kept, and which boot. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { run } from "../network/netns.ts";
import { type Bench, type Config, leftovers, makeBench, placeInNetwork } from "./harness.ts";
import { privateHost } from "./private-host.ts";

const PORT = "80";
const ADDRESS = "10.214.0.2";

/** A bench whose guests can be kept, in a store of its own, at an address of a network with this host. */
async function warmBench(t: ExecutionContext, settings: object = {}) {
  const network = makeNetwork(t);
  const host = await privateHost();
  t.teardown(() => host[Symbol.dispose]());
  const store = `${host.folder}/store`;
  host.configure({ accelerator: "tcg", store, ...settings });
  const bench = makeBench(["http", PORT], {}, host.runtime);
  t.teardown(() => bench[Symbol.dispose]());
  bench.configure((config) => Object.assign(config, { annotations: { "org.unikrun.warm": PORT } }));
  placeInNetwork(bench, network);
  return { ...bench, store, [Symbol.dispose]: () => {} };
}

type WarmBench = Awaited<ReturnType<typeof warmBench>>;

function makeNetwork(t: ExecutionContext): string {
  const [name, end] = [`ukwarm-${process.pid}`, `ukw${process.pid}`];
  run(`ip netns add ${name}`);
  t.teardown(() => run(`ip netns del ${name}`));
  run(`ip link add ${end} type veth peer name eth0 netns ${name}`);
  t.teardown(() => run(`ip link del ${end}`));
  run(`ip addr add 10.214.0.1/24 dev ${end}`);
  run(`ip link set ${end} up`);
  run(`ip -n ${name} link set eth0 up`);
  run(`ip -n ${name} addr add ${ADDRESS}/24 dev eth0`);
  run(`ip -n ${name} route add default via 10.214.0.1`);
  return `/run/netns/${name}`;
}

function start(t: ExecutionContext, bench: Bench): void {
  for (const call of [["create"], ["start", bench.id]]) {
    const { code, log } = bench.call(...call);
    t.is(code, 0, log.at(-1)?.msg);
  }
}

function end(t: ExecutionContext, bench: Bench): void {
  t.is(bench.call("kill", bench.id, "KILL").code, 0);
  bench.wait();
  t.is(bench.call("delete", bench.id).code, 0);
}

/** The guest's answer, asked again until it listens. */
async function ask(path = "/"): Promise<string> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    try {
      const signal = AbortSignal.timeout(2_000);
      return await (await fetch(`http://${ADDRESS}${path}`, { signal, keepalive: false })).text();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await Bun.sleep(20);
    }
  }
}

/** How many requests a guest has had, this one among them; it is in its memory. */
async function requests(): Promise<number> {
  const text = await ask();
  return Number(/requests: (\d+)/.exec(text)?.[1] ?? text);
}

const templates = (bench: WarmBench): string[] =>
  existsSync(`${bench.store}/warm`)
    ? readdirSync(`${bench.store}/warm`).filter((name) => !name.endsWith(".new"))
    : [];

/** Waits for so many templates. */
async function kept(t: ExecutionContext, bench: WarmBench, count = 1): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (templates(bench).length !== count && Date.now() < deadline) await Bun.sleep(20);
  t.is(templates(bench).length, count);
}

/** Keeps a guest that has had three requests, and takes its container away. */
async function keepThird(t: ExecutionContext, bench: WarmBench): Promise<void> {
  start(t, bench);
  await kept(t, bench);
  t.is(bench.call("templates", "--remove").code, 0);
  t.deepEqual(templates(bench), []);
  for (let count = 1; count <= 3; count++) t.is(await requests(), count);
  const { code, log } = bench.call("templates", "--keep", bench.id);
  t.is(code, 0, log.at(-1)?.msg);
  t.is(await requests(), 4, "it goes on");
  t.is(templates(bench).length, 1);
  end(t, bench);
}

test.serial("a container of the same kind goes on where a guest stood when it was kept", async (t) => {
  const bench = await warmBench(t);
  await keepThird(t, bench);
  for (let round = 0; round < 2; round++) {
    start(t, bench);
    t.is(await requests(), 4);
    t.is(await requests(), 5);
    t.notRegex(bench.output(), /main\(\)/, "it has not booted");
    end(t, bench);
  }
  t.deepEqual(leftovers(bench), []);
});
