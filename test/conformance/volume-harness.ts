/** A guest with a web server, on a network of its own with this host, that writes into its volumes. */
import { mkdirSync } from "node:fs";
import type { ExecutionContext } from "ava";
import { run } from "../network/netns.ts";
import { ask } from "./ask.ts";
import { type Bench, makeBench, placeInNetwork, unikrun } from "./harness.ts";

interface Mount {
  readonly destination: string;
  readonly type?: string;
  readonly source?: string;
  readonly options?: readonly string[];
}

export interface Guest {
  readonly bench: Bench;
  /** Calls dist/unikrun, which must not fail. */
  do(...call: string[]): void;
  put(path: string, content: string): Promise<void>;
  /** The answer's status. */
  write(path: string, content: string): Promise<number>;
  remove(path: string): Promise<number>;
  request(path: string, init: RequestInit): Promise<Response>;
  /** The answer's text, whatever its status. */
  get(request: string): Promise<string>;
  stop(): void;
}

let networks = 0;

/** A container that is not created yet, and deleted at the test's end. */
export function makeGuest(t: ExecutionContext, mounts: readonly Mount[], runtime = unikrun): Guest {
  const bench = makeBench(["http", "80"], {}, runtime);
  const address = joinNetwork(t, bench);
  t.teardown(() => bench[Symbol.dispose]());
  bench.configure((config) => Object.assign(config, { mounts }));
  const request = (path: string, init: RequestInit = {}): Promise<Response> =>
    ask(`http://${address}${path}`, init);
  const fileAt = (path: string): string => `/file?path=${encodeURIComponent(path)}&sync=1`;
  const write = async (path: string, body: string): Promise<number> =>
    (await request(fileAt(path), { method: "PUT", body })).status;
  return {
    bench,
    do(...call) {
      const { code, stderr } = bench.call(...call);
      t.is(code, 0, stderr);
    },
    async put(path, content) {
      t.is(await write(path, content), 200, path);
    },
    write,
    request,
    remove: async (path) => (await request(fileAt(path), { method: "DELETE" })).status,
    get: async (path) => (await request(path)).text(),
    stop() {
      t.is(bench.call("kill", bench.id, "SIGTERM").code, 0);
      t.is(bench.wait(), 143);
    },
  };
}

/** One with a volume at /data, that keeps what it wrote until it is told to sync, as a rump kernel does for 30 s. */
export function makeKeepingGuest(t: ExecutionContext): { guest: Guest; folder: string } {
  const guest = makeGuest(t, []);
  const folder = `${guest.bench.folder}/volume`;
  mkdirSync(folder);
  guest.bench.configure((config) => {
    config.process.env.push("PROBE_CACHE=1");
    Object.assign(config, { mounts: [{ destination: "/data", source: folder, options: ["rbind"] }] });
  });
  return { guest, folder };
}

function joinNetwork(t: ExecutionContext, bench: Bench): string {
  const network = networks++;
  const [name, end] = [`ukvol-${process.pid}-${network}`, `ukv${process.pid}${network}`];
  run(`ip netns add ${name}`);
  t.teardown(() => run(`ip netns del ${name}`));
  run(`ip link add ${end} type veth peer name eth0 netns ${name}`);
  t.teardown(() => run(`ip link del ${end}`));
  run(`ip addr add 10.231.${network}.1/24 dev ${end}`);
  run(`ip link set ${end} up`);
  run(`ip -n ${name} link set eth0 up`);
  run(`ip -n ${name} addr add 10.231.${network}.2/24 dev eth0`);
  placeInNetwork(bench, `/run/netns/${name}`);
  return `10.231.${network}.2`;
}

/** A mount that the test ends by `unmount`, or its end does. */
export function mountAt(t: ExecutionContext, target: string, ...how: readonly string[]): { unmount(): void } {
  mkdirSync(target, { recursive: true });
  run(["mount", ...how, target].join(" "));
  const unmount = (): void => void Bun.spawnSync(["umount", "--lazy", target], { stderr: "ignore" });
  t.teardown(unmount);
  return { unmount };
}
