/** Runtimes that tell when the engine called them (timed-runtime.c). */
import { cpSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { succeed } from "../../engine/harness.ts";
import type { Contender } from "../docker/contenders.ts";
import { registerRuntimes } from "../docker/engine.ts";
import { programPath } from "../programs.ts";

/** A call's begin and end, in milliseconds since 1970. */
export interface Call {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
}

/** A contender that runs by a timed runtime. */
export interface Timed extends Contender {
  /** The calls since the last time that this was asked. */
  readonly takeCalls: () => Call[];
}

/** The same contenders with their runtimes' calls timed. */
export async function timeRuntimes(contenders: readonly Contender[], folder: string): Promise<Timed[]> {
  const runtimes = new Map(contenders.map(({ runtime, binary }) => [runtime, binary]));
  for (const [name, binary] of runtimes) place(`${folder}/timed-${name}`, binary);
  const names = [...runtimes.keys()];
  await registerRuntimes(
    Object.fromEntries(names.map((name) => [`timed-${name}`, `${folder}/timed-${name}`])),
  );
  return contenders.map((contender) => ({
    ...contender,
    runtime: `timed-${contender.runtime}`,
    takeCalls: () => takeCalls(`${folder}/timed-${contender.runtime}.log`),
  }));
}

function place(path: string, runtime: string): void {
  const [dockerd] = succeed(["pidof", "dockerd"]).split(" ");
  cpSync(programPath("timed-runtime"), path);
  symlinkSync(runtime, `${path}.runtime`);
  symlinkSync(`/proc/${dockerd}/exe`, `${path}.dockerd`);
}

function takeCalls(log: string): Call[] {
  const lines = readFileSync(log, "utf8").trim().split("\n");
  rmSync(log);
  return lines.map((line) => {
    const [name = "", begin, end] = line.split(" ");
    return { name, begin: Number(begin), end: Number(end) };
  });
}
