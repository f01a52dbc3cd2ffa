/** Requests and bytes a second between a runc container and a server on the same bridge of the engine, and the same by hand. */
import { docker, eventually, inspect, probeImage, succeed, uniqueName } from "../../engine/harness.ts";
import { type Build, nameWith } from "../builds.ts";
import { medians } from "../median.ts";
import { useKeptOf } from "../mounts.ts";
import { programPath } from "../programs.ts";
import { makePlainBridge, type PlainBridge } from "./by-hand.ts";

/** Of one measurement, milliseconds. */
const DURATION = 500;
const CONNECTIONS = 8;

/** Keep-alive requests a second, and MB/s to the server and from it. */
export type Throughput = Record<(typeof THROUGHPUT_COLUMNS)[number], number>;

export const THROUGHPUT_COLUMNS = ["requests", "send", "receive"] as const;

/** HTTP on `web`; `bulk` takes on port 81 and sends on port 82. */
interface Server {
  readonly name: string;
  readonly web: string;
  readonly bulk: string;
  /** What runs the client's program, its path in the end. */
  readonly client: readonly string[];
}

export async function throughputs(options: {
  readonly builds: readonly Build[];
  readonly folder: string;
  readonly rounds: number;
  readonly kvm: boolean;
  /** toolsImage's. */
  readonly tools: string;
}): Promise<Record<string, Throughput>> {
  const { builds, folder, rounds, kvm, tools } = options;
  using bridge = makePlainBridge(folder, kvm);
  using containers = makeContainers(folder, tools);
  const servers = [
    ...builds.map((build) => containers.probe(build)),
    await byHand(bridge),
    containers.runc(),
  ];
  for (const server of servers) await eventually(server.name, () => isUp(server) || undefined);
  const all = new Map<string, Throughput[]>(servers.map(({ name }) => [name, []]));
  for (let turn = 0; turn < rounds; turn++)
    for (const server of servers) all.get(server.name)?.push(measure(server));
  return Object.fromEntries([...all].map(([name, samples]) => [name, medians(samples)]));
}

function measure({ client, web, bulk }: Server): Throughput {
  const run = (...args: string[]): number => Number(succeed([...client, ...args, String(DURATION)]));
  return {
    requests: run("requests", web, "80", String(CONNECTIONS)),
    send: run("send", bulk, "81"),
    receive: run("receive", bulk, "82"),
  };
}

function isUp({ client, web, bulk }: Server): boolean {
  succeed([...client, "requests", web, "80", "1", "1"]);
  succeed([...client, "receive", bulk, "82", "1"]);
  return true;
}

async function byHand(bridge: PlainBridge): Promise<Server> {
  const [web, bulk] = [await bridge.serve("http 80"), await bridge.serve("bulk 81")];
  return { name: "by hand", web, bulk, client: [...bridge.client, programPath("traffic")] };
}

/** The engine's containers, the client among them, until the end of the block. */
function makeContainers(folder: string, image: string) {
  const started: { readonly build: Build | undefined; readonly name: string }[] = [];
  const use = (build: Build | undefined): void => {
    if (build !== undefined) useKeptOf(build, folder);
  };
  const start = (build: Build | undefined, ...args: string[]): string => {
    const name = uniqueName("traffic");
    use(build);
    started.push({ build, name });
    succeed(["docker", "run", "-d", "--name", name, "--runtime", build ?? "runc", ...args]);
    return name;
  };
  const addressOf = (name: string): string =>
    inspect(name, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}");
  const client = ["docker", "exec", start(undefined, image, "serve", "9000"), "/traffic"];
  return {
    probe: (build: Build): Server => {
      const [web = "", bulk = ""] = ["http 80", "bulk 81"].map((args) =>
        addressOf(start(build, probeImage(), ...args.split(" "))),
      );
      return { name: nameWith(build, "probe"), web, bulk, client };
    },
    runc: (): Server => {
      const address = addressOf(start(undefined, image, "serve", "80"));
      return { name: "runc", web: address, bulk: address, client };
    },
    [Symbol.dispose]: () => {
      for (const { build, name } of started) {
        use(build);
        docker("rm", "-f", name);
      }
    },
  };
}
