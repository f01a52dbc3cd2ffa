/** dockerd's end by force, and its next start with what it had been started with. */
import { openSync, readFileSync } from "node:fs";
import { reapAll } from "../bench/reap.ts";
import { docker, eventually, succeed } from "./harness.ts";

/** Containers outlive dockerd. */
export const LIVE_RESTORE = "--live-restore";

/** Containers have user namespaces, and the engine a data root for those. */
export const userns = (user: string): string => `--userns-remap=${user}`;

let dead: readonly string[] | undefined;

/** Kills dockerd as `kill -9` does; containers and containerd go on. */
export async function killEngine(): Promise<void> {
  const pid = Number(succeed(["pidof", "dockerd"]).split(" ")[0]);
  const given = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
  dead = given.filter((option) => ![LIVE_RESTORE, userns("")].some((own) => option.startsWith(own)));
  process.kill(pid, "SIGKILL");
  await eventually("dockerd's end", () => docker("version").code !== 0 || undefined);
  // A test that takes orphans in would keep it as a zombie.
  reapAll();
}

/** Returns when it answers; `options` come before those that it had. */
export async function restartEngine(...options: readonly string[]): Promise<void> {
  if (dead === undefined) throw new Error("dockerd was not killed");
  const log = openSync("/run/dockerd.log", "a");
  // Not our child: its next end by force would leave a zombie, and dockerd does not start beside one.
  const [program = "dockerd", ...others] = dead;
  Bun.spawnSync(["setsid", "-f", program, ...options, ...others], { stdio: ["ignore", log, log] });
  dead = undefined;
  await eventually("dockerd", () => docker("version").code === 0 || undefined, { timeout: 120_000 });
}
