/** The bench's command line. */
import { parseArgs } from "node:util";
import { become } from "./interruption.ts";

/** What can be measured; the first needs no engine. */
const PARTS = ["calls", "answers", "memory", "density", "throughput", "picture"] as const;

export type Part = (typeof PARTS)[number];

/** What runs if nobody names parts: density takes gigabytes, and a picture a file. */
const USUAL: readonly Part[] = ["calls", "answers", "memory", "throughput"];

export interface Options {
  readonly parts: ReadonlySet<Part>;
  readonly rounds: number;
  readonly json: boolean;
  readonly engine: string;
  readonly kvm: boolean;
  readonly against?: string | undefined;
  readonly kernel?: string | undefined;
  readonly port: number;
  readonly guests: number;
  readonly picture?: string | undefined;
}

export function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      json: { type: "boolean", default: false },
      rounds: { type: "string", default: "21" },
      against: { type: "string" },
      kernel: { type: "string" },
      port: { type: "string", default: "80" },
      guests: { type: "string", default: "40" },
      engine: { type: "string", default: "20" },
      kvm: { type: "boolean", default: false },
      only: { type: "string" },
      picture: { type: "string" },
    },
  });
  const usual = values.picture === undefined ? USUAL : (["picture"] as const);
  const parts = values.only?.split(",").map(partOf) ?? usual;
  const [rounds, port, guests] = [values.rounds, values.port, values.guests].map(Number);
  if (!rounds || !port || !guests) throw new Error("--rounds, --port and --guests are numbers from 1 on");
  return { ...values, parts: new Set(parts), rounds, port, guests };
}

function partOf(name: string): Part {
  const part = PARTS.find((each) => each === name);
  if (part === undefined) throw new Error(`--only ${name}: there are ${PARTS.join(", ")}`);
  return part;
}

/** Runs this command again with an engine of scripts/with-docker, and ends with its exit code. */
export async function enterEngine(engine: string): Promise<never> {
  const withDocker = `${import.meta.dirname}/../../scripts/with-docker`;
  return become([withDocker, "--engine", engine, process.execPath, ...process.argv.slice(1)]);
}

/** Where the engine keeps its data, which goes with it whatever ends us. */
export function engineFolder(): string {
  const { stdout } = Bun.spawnSync(["docker", "info", "-f", "{{.DockerRootDir}}"]);
  return stdout.toString().trim();
}
