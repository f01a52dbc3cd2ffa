/** How long it takes from `docker run -d` to the first HTTP 200. */
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { docker, succeed, uniqueName } from "../../engine/harness.ts";
import type { Contender } from "./contenders.ts";
import { askEngine, nextEvent } from "./engine.ts";

/** Milliseconds until a try must be connected: what was sent to a guest without a card is lost, and the kernel would wait for a second. */
const PATIENCE = 5;
/** Milliseconds until it must be answered then. */
const ANSWERING = 200;
/** Milliseconds. */
const DEADLINE = 30_000;

/**
 * Makes the engine's bridge ask for an address again after 4 ms in place of a second, so that what is asked before there is a card
 * to answer decides nothing. A client of a published port comes later than that.
 */
export function askOften(): void {
  writeFileSync("/proc/sys/net/ipv4/neigh/docker0/retrans_time_ms", "4");
}

/** Of one container, in milliseconds of Date.now()'s clock, with fractions. */
export interface FirstAnswer {
  readonly container: string;
  readonly asked: number;
  readonly answered: number;
}

/** The time of day in milliseconds, finer than Date.now(). */
export const now = (): number => performance.timeOrigin + performance.now();

/** Runs a container, which the caller removes, until it answers; none other may be on the default network. */
export async function firstAnswer({ runtime, image, port }: Contender): Promise<FirstAnswer> {
  const container = uniqueName("bench");
  const failed = new AbortController();
  let asked = 0;
  // Its address is known before it runs, and `docker inspect` would wait until then.
  const connected = nextEvent({ type: ["network"], event: ["connect"] }, failed.signal, () => {
    asked = now();
    void runDetached({ name: container, runtime, image }).catch((error) => failed.abort(error));
  });
  try {
    await connected;
    const address = await addressOnBridge();
    while (!(await answers(address, port))) {
      failed.signal.throwIfAborted();
      if (now() > asked + DEADLINE) throw new Error(`${image} by ${runtime}: no answer in ${DEADLINE} ms`);
      await Bun.sleep(1);
    }
    return { container, asked, answered: now() };
  } catch (error) {
    docker("rm", "-f", container);
    throw error;
  }
}

/** Runs `docker run -d`; throws what it says if it fails. */
export async function runDetached(container: {
  name: string;
  runtime: string;
  image: string;
}): Promise<void> {
  const { name, runtime, image } = container;
  const client = Bun.spawn({
    cmd: ["docker", "run", "-d", "--name", name, "--runtime", runtime, image],
    stdio: ["ignore", "ignore", "pipe"],
  });
  const complaint = await new Response(client.stderr).text();
  if ((await client.exited) !== 0) throw new Error(complaint.trim());
}

/** The address of the container that is on the default network. */
async function addressOnBridge(): Promise<string> {
  type Network = { Containers: Record<string, { IPv4Address: string }> };
  const { Containers } = await askEngine<Network>("/networks/bridge");
  const [container] = Object.values(Containers);
  if (container === undefined) throw new Error("the engine says of no container that it is on its bridge");
  return container.IPv4Address.replace(/\/.*/, "");
}

/** Whether a web server answers with 200, at once. */
export function answers(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (good: boolean): void => {
      clearTimeout(timer);
      socket.destroy();
      resolve(good);
    };
    let timer = setTimeout(end, PATIENCE, false);
    socket.on("connect", () => {
      clearTimeout(timer);
      timer = setTimeout(end, ANSWERING, false);
      socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    });
    socket.on("data", (bytes) => end(/^HTTP\/1\.[01] 200 /.test(bytes.toString("latin1"))));
    socket.on("error", () => end(false));
    socket.on("close", () => end(false));
  });
}

/** Takes a container away, and waits until it is off its network. */
export function remove(container: string): void {
  succeed(["docker", "rm", "-f", container]);
}
