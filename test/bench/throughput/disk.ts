/** How fast a guest reads and writes a disk image that it was given, and the same by hand, and a file in a runc container. */
import { closeSync, fsyncSync, ftruncateSync, openSync } from "node:fs";
import { eventually, probeImage, succeed } from "../../engine/harness.ts";
import { type Build, nameWith } from "../builds.ts";
import { medians } from "../median.ts";
import { useKeptOf } from "../mounts.ts";
import { startMachine } from "./by-hand.ts";

/** What is written and read lies in the second half of the image. */
const IMAGE_MIB = 192;
const AREA_MIB = 64;

/** MB/s of 64 KiB requests in turn, a flush at the end of the writes; and 4 KiB requests a second at random, a flush after each write. */
export type DiskSpeed = Record<(typeof SPEED_COLUMNS)[number], number>;

export const SPEED_COLUMNS = ["write", "read", "randomRead", "randomWrite"] as const;

interface Run {
  readonly name: string;
  /** Does it with an image, and returns what was printed. */
  readonly measure: (image: string) => string | Promise<string>;
}

export async function diskSpeeds(options: {
  readonly builds: readonly Build[];
  /** toolsImage's. */
  readonly tools: string;
  readonly folder: string;
  readonly rounds: number;
  readonly kvm: boolean;
}): Promise<Record<string, DiskSpeed>> {
  const { builds, tools, folder, rounds, kvm } = options;
  const run = (...args: string[]): string => succeed(["docker", "run", "--rm", "--network", "none", ...args]);
  const runs: Run[] = [
    ...builds.map((build) => ({
      name: nameWith(build, "probe"),
      measure: (image: string): string => {
        useKeptOf(build, folder);
        return run("--runtime", build, "-v", `${image}:/data`, probeImage(), "disk", String(AREA_MIB));
      },
    })),
    { name: "by hand", measure: (image) => measureByHand(image, folder, kvm) },
    {
      name: "runc",
      measure: (image) =>
        run("-v", `${image}:/disk`, "--entrypoint", "/disk-speed", tools, "/disk", String(AREA_MIB)),
    },
  ];
  const all = new Map<string, DiskSpeed[]>(runs.map(({ name }) => [name, []]));
  for (let turn = -1; turn < rounds; turn++) {
    for (const [index, { name, measure }] of runs.entries()) {
      const image = `${folder}/disk-${index}.img`;
      format(image);
      const printed = await measure(image);
      // The first turn gives the image its blocks.
      if (turn >= 0) all.get(name)?.push(speedIn(printed) ?? fail(name, printed));
    }
  }
  return Object.fromEntries([...all].map(([name, samples]) => [name, medians(samples)]));
}

/** A new ext2, which makes the file a disk to unikrun, in the blocks that the file has; nothing of it waits to be written. */
function format(image: string): void {
  const file = openSync(image, "a");
  ftruncateSync(file, IMAGE_MIB << 20);
  succeed(["mke2fs", "-q", "-F", "-t", "ext2", "-E", "nodiscard", image]);
  fsyncSync(file);
  closeSync(file);
}

async function measureByHand(image: string, folder: string, kvm: boolean): Promise<string> {
  using machine = startMachine({
    args: `disk ${AREA_MIB}`,
    devices: [
      ...["-drive", `file=${image},format=raw,if=none,id=disk`],
      ...["-device", "virtio-blk-pci,drive=disk"],
    ],
    console: `${folder}/disk.console`,
    kvm,
  });
  return await eventually("the disk by hand", () => {
    const output = machine.output();
    return speedIn(output) && output;
  });
}

/** Among what else a console brings. */
function speedIn(output: string): DiskSpeed | undefined {
  const line = /^\{"write".*\}$/m.exec(output.replaceAll("\r", ""));
  return line ? JSON.parse(line[0]) : undefined;
}

function fail(name: string, printed: string): never {
  throw new Error(`the disk's speed (${name}): ${printed}`);
}
