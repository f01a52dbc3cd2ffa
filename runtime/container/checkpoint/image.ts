/** A checkpoint on disk: a folder with the machine's state, a copy of each of its disks, and what is to be known of them. */
import { exists, readText, removeFile, rename, statusOrNull, writeText } from "../../../native/files.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import type { Accelerator } from "../../machine/accelerator.ts";
import { type Check, filled, flag, list, object, oneOf, text, whole } from "../check.ts";
import type { MachineRecord } from "../machine-record.ts";

export interface Checkpoint {
  readonly version: 1;
  readonly machine: MachineRecord;
  /** Of the VMM, as "7.2.22": another one may not understand its state. */
  readonly vmm: string;
  readonly accelerator: Accelerator;
  /** How far the guest had come by its own words, and the exit code that they gave it. */
  readonly phase: { readonly phase: string; readonly code: number };
  /** Bytes of the files, to tell a whole one from one that was cut. */
  readonly sizes: { readonly memory: number; readonly disks: readonly number[] };
}

/** Written last: a folder without it is no checkpoint. */
const FILE = "unikrun-checkpoint.json";

export const memoryFile = (folder: string): string => `${folder}/unikrun-memory`;
export const diskFile = (folder: string, disk: number): string => `${folder}/unikrun-disk-${disk}`;
export const holdsCheckpoint = (folder: string): boolean => exists(`${folder}/${FILE}`);

export function writeCheckpoint(folder: string, checkpoint: Checkpoint): void {
  const draft = `${folder}/${FILE}.new`;
  writeText(draft, JSON.stringify(checkpoint));
  rename(draft, `${folder}/${FILE}`);
}

/** Removes what a checkpoint that failed left. */
export function removeCheckpoint(folder: string, disks: number): void {
  const files = [memoryFile(folder), `${folder}/${FILE}.new`];
  for (let disk = 0; disk < disks; disk++) files.push(diskFile(folder, disk));
  for (const file of files) if (exists(file)) removeFile(file);
}

const address = object({ family: whole(4, 6), address: filled });

const checkCheckpoint: Check = object({
  version: whole(1, 1),
  vmm: filled,
  accelerator: oneOf(["kvm", "tcg"]),
  phase: object({ phase: oneOf(["boot", "main", "ending"]), code: whole(-1, 255) }),
  sizes: object({ memory: whole(1), disks: list(whole(0)) }),
  machine: object({
    family: filled,
    memoryMiB: whole(1, 2 ** 30),
    bootArguments: text,
    nics: list(
      object({ mac: filled, mtu: whole(1, 65535), addresses: list(address), gateways: list(address) }),
    ),
    disks: list(
      object(
        {
          readOnly: flag,
          format: oneOf(["raw", "qcow2"]),
          isDevice: flag,
          kind: oneOf(["image", "host", "tree", "volume", "scratch"]),
        },
        { mountpoint: filled, source: filled },
      ),
    ),
  }),
});

/** Throws UnikrunError for a folder that holds none of ours, or not a whole one. */
export function readCheckpoint(folder: string): Checkpoint {
  if (!holdsCheckpoint(folder)) {
    const why = exists(`${folder}/inventory.img`) ? "it is of CRIU, for Linux programs" : `it has no ${FILE}`;
    throw new UnikrunError(`The folder ${folder} holds no checkpoint of a unikernel: ${why}.`);
  }
  let document: unknown;
  try {
    document = JSON.parse(readText(`${folder}/${FILE}`));
  } catch (cause) {
    throw new UnikrunError(`The checkpoint in ${folder} can't be read (${reasonOf(cause)}): take another.`, {
      cause,
    });
  }
  checkCheckpoint(document, FILE);
  const checkpoint = document as Checkpoint;
  const { sizes, machine } = checkpoint;
  const files: [string, number | undefined][] = [
    [memoryFile(folder), sizes.memory],
    ...machine.disks.map((_, disk): [string, number | undefined] => [
      diskFile(folder, disk),
      sizes.disks[disk],
    ]),
  ];
  for (const [file, size] of files) {
    if (isLent(checkpoint, files.findIndex(([name]) => name === file) - 1)) continue;
    if (size !== undefined && statusOrNull(file)?.size === size) continue;
    throw new UnikrunError(
      `The checkpoint in ${folder} is damaged: ${file} is not there or was cut: take another.`,
    );
  }
  return checkpoint;
}

/** A disk of the host that the guest only reads is no part of a checkpoint. */
export const isLent = ({ machine }: Pick<Checkpoint, "machine">, disk: number): boolean =>
  machine.disks[disk]?.kind === "host";
