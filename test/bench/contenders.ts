/** What is run beside each other on an engine: images by runtime. */
import { resolve } from "node:path";
import { probeImage } from "../engine/harness.ts";
import { binaryOf } from "./bundles.ts";
import { httpdImage, kernelImage, registerRuntimes } from "./engine.ts";
import { useKeptOf } from "./mounts.ts";

export interface Contender {
  /** The row's name. */
  readonly name: string;
  readonly runtime: "unikrun" | "against" | "runc";
  readonly image: string;
  /** The TCP port of its web server. */
  readonly port: number;
}

/** Options of the command line. */
export interface Wanted {
  /** The folder of another build of ours. */
  readonly against?: string | undefined;
  /** A kernel's file, or the folder of an image's Dockerfile. */
  readonly kernel?: string | undefined;
  readonly port: number;
}

/** The probe guest and runc's busybox, and if wanted a kernel, each by every build that there is. */
export async function makeContenders({ against, kernel, port }: Wanted): Promise<Contender[]> {
  if (against !== undefined) await registerRuntimes({ against: binaryOf(against) });
  const builds = against === undefined ? (["unikrun"] as const) : (["unikrun", "against"] as const);
  const ofBuilds = (name: string, image: string, at: number): Contender[] =>
    builds.map((runtime) => ({
      name: runtime === "unikrun" ? name : `${name}, against`,
      runtime,
      image,
      port: at,
    }));
  return [
    ...ofBuilds("probe", probeImage(), 80),
    ...(kernel === undefined ? [] : ofBuilds("kernel", kernelImage(resolve(kernel)), port)),
    { name: "runc", runtime: "runc", image: httpdImage(), port: 80 },
  ];
}

/** Lets a contender's build find what it keeps; nothing of another build may run meanwhile. */
export function takeTurn({ runtime }: Contender, folder: string): void {
  if (runtime !== "runc") useKeptOf(runtime, folder);
}
