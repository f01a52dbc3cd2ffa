/** What is run beside each other on an engine: images by runtime. */
import { resolve } from "node:path";
import { probeImage, succeed, unikrun } from "../../engine/harness.ts";
import { type Build, binaryOf, buildsOf, nameWith } from "../builds.ts";
import { useKeptOf } from "../mounts.ts";
import { registerRuntimes } from "./engine.ts";
import { httpdImage, kernelImage } from "./images.ts";

export interface Contender {
  /** The row's name. */
  readonly name: string;
  /** Of ours. */
  readonly build?: Build;
  /** As the engine knows it. */
  readonly runtime: string;
  /** Its binary. */
  readonly binary: string;
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
export async function makeContenders(wanted: Wanted): Promise<Contender[]> {
  const { against, kernel, port } = wanted;
  const binaries = { unikrun, against: against === undefined ? "" : binaryOf(against) };
  if (against !== undefined) await registerRuntimes({ against: binaries.against });
  const ofBuilds = (name: string, image: string, at: number): Contender[] =>
    buildsOf(wanted).map((build) => ({
      name: nameWith(build, name),
      build,
      runtime: build,
      binary: binaries[build],
      image,
      port: at,
    }));
  return [
    ...ofBuilds("probe", probeImage(), 80),
    ...(kernel === undefined ? [] : ofBuilds("kernel", kernelImage(resolve(kernel)), port)),
    { name: "runc", runtime: "runc", binary: succeed(["which", "runc"]), image: httpdImage(), port: 80 },
  ];
}

/** Lets a contender's build find what it keeps; nothing of another build may run meanwhile. */
export function takeTurn({ build }: Contender, folder: string): void {
  if (build !== undefined) useKeptOf(build, folder);
}
