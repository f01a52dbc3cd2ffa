import { readFileSync, rmSync } from "node:fs";
import { childrenOf } from "../../proc.ts";
import { reap } from "../reap.ts";
import type { Runtime } from "./bundles.ts";

/** The calls of one container's life, in order. */
export const STEPS = ["create", "state", "start", "kill", "delete"] as const;

/** Milliseconds of each call; `total` is that of create, start, kill and delete. */
export type Cost = Record<(typeof STEPS)[number] | "total" | "createdRssKiB", number>;

/** Milliseconds. */
const ENGINE_PAUSE = 120;

/** One container from create to delete. Its init is our child after create, as it is a shim's. */
export function oneCycle({ runtime, root, id }: { runtime: Runtime; root: string; id: string }): Cost {
  const pidFile = `${root}-${id}.pid`;
  const call = (...args: string[]): number => {
    const begin = performance.now();
    const run = Bun.spawnSync({
      cmd: [runtime.binary, "--root", root, ...args],
      stdin: "ignore",
      // A pipe would stay open as long as the container has it.
      stdout: Bun.file("/dev/null"),
      stderr: Bun.file(`${root}.stderr`),
    });
    const cost = performance.now() - begin;
    if (run.exitCode !== 0) {
      throw new Error(`${runtime.name} ${args.join(" ")}: ${readFileSync(`${root}.stderr`, "utf8").trim()}`);
    }
    return cost;
  };
  try {
    const create = call("create", "--bundle", runtime.bundle, "--pid-file", pidFile, id);
    const pid = Number(readFileSync(pidFile, "utf8"));
    // Engines make the network now, and ask for the start 50 to 150 ms after the create.
    Bun.sleepSync(ENGINE_PAUSE);
    const createdRssKiB = residentKiB(pid);
    const state = call("state", id);
    const start = call("start", id);
    const kill = call("kill", id, "KILL");
    reap(pid);
    const remove = call("delete", id);
    return {
      create,
      state,
      start,
      kill,
      delete: remove,
      total: create + start + kill + remove,
      createdRssKiB,
    };
  } catch (error) {
    Bun.spawnSync([runtime.binary, "--root", root, "delete", "--force", id]);
    throw error;
  } finally {
    rmSync(pidFile, { force: true });
  }
}

/** VmRSS of the processes that the created container consists of. */
function residentKiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const own = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? Number.NaN);
  return childrenOf(pid).reduce((sum, child) => sum + residentKiB(child), own);
}
