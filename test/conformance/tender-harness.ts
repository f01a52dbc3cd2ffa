/** Containers whose guest a tender of Solo5's runs, which the test's double stands for (tender-double.c). */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import type { ExecutionContext } from "ava";
import { type Bench, makeBench, repository } from "./harness.ts";
import { type PrivateHost, privateHost } from "./private-host.ts";

export type Target = "spt" | "hvt";

const TARGETS = { hvt: 1, spt: 2 } as const;

/** A host that has none. */
export async function bareHost(t: ExecutionContext): Promise<PrivateHost> {
  const host = await privateHost();
  t.teardown(() => host[Symbol.dispose]());
  return host;
}

/** A host that has both; network namespaces that are made later can't be seen in it. */
export async function tenderHost(t: ExecutionContext): Promise<PrivateHost> {
  const host = await bareHost(t);
  const tender = `${host.folder}/tender`;
  const source = `${import.meta.dirname}/tender-double.c`;
  const { exitCode, stderr } = Bun.spawnSync(["gcc", "-std=gnu11", "-Wall", "-o", tender, source]);
  if (exitCode !== 0) throw new Error(`the tender's double was not made: ${stderr}`);
  const hvt = `${host.folder}/solo5-hvt`;
  copyFileSync(tender, hvt);
  host.configure({ "solo5-spt": tender, "solo5-hvt": hvt });
  return host;
}

export interface TenderBench extends Bench {
  /** Mounts a file of the host. */
  mount(source: string, destination: string, access: "ro" | "rw"): void;
}

/** `kernel`: one of build/guest, made to be for that target; `version`: of Solo5's interface. */
export function tenderBench(
  t: ExecutionContext,
  host: Pick<PrivateHost, "runtime">,
  options: {
    args?: readonly string[];
    kernel?: "solo5" | "solo5-devices";
    target?: Target;
    version?: number;
  } = {},
): TenderBench {
  const { args = [], kernel = "solo5", target = "spt", version = 2 } = options;
  const bench = makeBench([], {}, host.runtime);
  t.teardown(() => bench[Symbol.dispose]());
  const file = readFileSync(`${repository}/build/guest/${kernel}.bin`);
  const note = file.indexOf("ABI1Solo5");
  file.writeUInt32LE(TARGETS[target], note + 12);
  file.writeUInt32LE(version, note + 16);
  writeFileSync(`${bench.rootfs}/kernel`, file);
  bench.configure(({ process }) => Object.assign(process, { args: ["/kernel", ...args] }));
  const mounts: object[] = [];
  return {
    ...bench,
    mount(source, destination, access) {
      mounts.push({ destination, source, type: "bind", options: ["bind", access] });
      bench.configure((config) => Object.assign(config, { mounts }));
    },
  };
}

/** Of create or start. */
export function refusal(bench: Bench): string {
  for (const call of [["create"], ["start", bench.id]]) {
    const { code, log } = bench.call(...call);
    if (code !== 0) return `${log.at(-1)?.msg}`;
  }
  return "it was started";
}

/** What unikrun itself told in the container's log. */
export const told = (bench: Bench): string => readFileSync(`${bench.folder}/output.errors`, "utf8");
