/** A checkpoint on disk: a folder with the machine's state, a copy of each of its disks, and what is to be known of them. */
import type { GuestPhase } from "../../../native/control.ts";
import { exists, readAt, removeFile, rename, statusOfFile, writeText } from "../../../native/files.ts";
import { type Descriptor, O_RDONLY, openPath, owned } from "../../../native/libc.ts";
import { AS_FILE, openBelow, openRoot } from "../../../native/tree-files.ts";
import { syncData } from "../../../native/tree-writes.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import { ROOM } from "../../machine/pci.ts";
import type { DiskRecord, MachineRecord } from "../record/machine.ts";
import { type Check, filled, flag, list, matching, object, oneOf, text, whole } from "../spec/check.ts";

/** To be raised when machines become others: QEMU does not take one's state into another. */
const VERSION = 2;

export interface Checkpoint {
  readonly version: typeof VERSION;
  readonly machine: MachineRecord;
  /** Of the VMM, as "7.2.22": another one may not understand its state. */
  readonly vmm: string;
  readonly phase: GuestPhase;
  /** Bytes of the files, to tell a whole one from one that was cut. */
  readonly sizes: { readonly memory: number; readonly disks: readonly number[] };
  /** Of each disk of the host, which file or device it was, and as it was then (identityOf); "" for those that are saved. */
  readonly lent: readonly string[];
}

/** Written last: a folder without it is no checkpoint. */
const FILE = "unikrun-checkpoint.json";

/** No kernel's command line, disks and cards take a tenth of it. */
const LONGEST = 1 << 20;

export const MEMORY = "unikrun-memory";
export const diskName = (disk: number): string => `unikrun-disk-${disk}`;
export const holdsCheckpoint = (folder: string): boolean => exists(`${folder}/${FILE}`);

export function writeCheckpoint(folder: string, checkpoint: Omit<Checkpoint, "version">): void {
  writeWhole(`${folder}/${FILE}`, JSON.stringify({ version: VERSION, ...checkpoint }));
}

/** A file that has this name only once all of it would survive the host's loss of power. */
export function writeWhole(path: string, text: string): void {
  const draft = `${path}.new`;
  writeText(draft, text);
  using written = owned(openPath(draft, O_RDONLY));
  syncData(written.fd);
  rename(draft, path);
}

/** Removes what a checkpoint that failed left. */
export function removeCheckpoint(folder: string, disks: number): void {
  const names = [MEMORY, `${FILE}.new`];
  for (let disk = 0; disk < disks; disk++) names.push(diskName(disk));
  for (const name of names) if (exists(`${folder}/${name}`)) removeFile(`${folder}/${name}`);
}

const macAddress = matching(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/, "a MAC address");
const address = object({ family: whole(4, 6), address: filled });

export const checkPhase: Check = object({
  phase: oneOf(["boot", "main", "ending"]),
  code: whole(-1, 255),
  halting: flag,
});

const checkParts: Check = object(
  {
    family: filled,
    accelerator: oneOf(["kvm", "tcg"]),
    firmware: oneOf(["unikrun", "seabios"]),
    memoryMiB: whole(1, 2 ** 30),
    bootArguments: text,
    nics: list(
      object({ mac: macAddress, mtu: whole(1, 65535), addresses: list(address), gateways: list(address) }),
    ),
    disks: list(
      object(
        {
          readOnly: flag,
          format: oneOf(["raw", "qcow2"]),
          isDevice: flag,
          kind: oneOf(["image", "host", "tree", "volume", "scratch", "boot"]),
        },
        { mountpoint: filled, source: filled },
      ),
    ),
  },
  { proxy: flag, order: list(oneOf(["nic", "disk"])) },
);

/** Whoever made a checkpoint may have written more devices than there is room for, or an order of others. */
export const checkMachine: Check = (value, place) => {
  checkParts(value, place);
  const { nics, disks, order } = value as Pick<MachineRecord, "nics" | "disks" | "order">;
  const isWhole = (kind: keyof typeof ROOM, count: number): boolean =>
    count <= ROOM[kind] &&
    (order ?? Array(count).fill(kind)).filter((each) => each === kind).length === count;
  if (isWhole("nic", nics.length) && isWhole("disk", disks.length)) return;
  throw new UnikrunError(
    `${place} has ${nics.length} cards and ${disks.length} disks, which no machine has, or in no such order: take another checkpoint.`,
  );
};

const checkCheckpoint: Check = object({
  version: whole(VERSION, VERSION),
  vmm: filled,
  phase: checkPhase,
  sizes: object({ memory: whole(1), disks: list(whole(0)) }),
  lent: list(text),
  machine: checkMachine,
});

/** Throws UnikrunError for a folder that holds none of ours, or not a whole one. */
export function readCheckpoint(folder: string): Checkpoint {
  if (!holdsCheckpoint(folder)) {
    const why = exists(`${folder}/inventory.img`) ? "it is of CRIU, for Linux programs" : `it has no ${FILE}`;
    throw new UnikrunError(`The folder ${folder} holds no checkpoint of a unikernel: ${why}.`);
  }
  const checkpoint = readDocument(folder);
  const { sizes, machine } = checkpoint;
  openPart(folder, MEMORY, sizes.memory)[Symbol.dispose]();
  for (const [disk, { kind }] of machine.disks.entries())
    if (!isLent(kind)) openPart(folder, diskName(disk), sizes.disks[disk])[Symbol.dispose]();
  return checkpoint;
}

/** Throws an Error where it is none of ours. */
export function readJson(folder: string, name: string): unknown {
  using file = openFile(folder, name);
  const { size } = statusOfFile(file.fd);
  if (size > LONGEST) throw new Error(`${name} is longer than any`);
  return JSON.parse(readAt(file.fd, 0, size).toString());
}

function readDocument(folder: string): Checkpoint {
  let document: unknown;
  try {
    document = readJson(folder, FILE);
  } catch (cause) {
    throw new UnikrunError(`The checkpoint in ${folder} can't be read (${reasonOf(cause)}): take another.`, {
      cause,
    });
  }
  const { version } = Object(document);
  if (version === 1) {
    throw new UnikrunError(
      `The checkpoint in ${folder} is of an older unikrun, whose machines were others: take another.`,
    );
  }
  const checkpoint = withWholeMachine(document);
  checkCheckpoint(checkpoint, FILE);
  return checkpoint as Checkpoint;
}

/** There are checkpoints that have the accelerator beside the machine. */
function withWholeMachine(document: unknown): unknown {
  const { accelerator, machine } = Object(document);
  return accelerator === undefined
    ? document
    : { ...Object(document), machine: { accelerator, ...Object(machine) } };
}

/** One of a checkpoint's files, of the size that it had. */
export function openPart(folder: string, name: string, size: number | undefined): Descriptor {
  try {
    return openWhole(folder, name, size);
  } catch (cause) {
    throw new UnikrunError(
      `The checkpoint in ${folder} is damaged: ${name} (${reasonOf(cause)}): take another.`,
      { cause },
    );
  }
}

/** A regular file of that size; throws an Error that says what it is instead. */
export function openWhole(folder: string, name: string, size: number | undefined): Descriptor {
  using opened = new DisposableStack();
  const file = opened.use(openFile(folder, name));
  if (statusOfFile(file.fd).size !== size) throw new Error("it was cut");
  opened.move();
  return file;
}

/** Whoever made the checkpoint may have put a link to a file of the host there, a device, or a pipe that nobody fills. */
function openFile(folder: string, name: string): Descriptor {
  using root = openRoot(folder);
  using opened = new DisposableStack();
  const file = opened.use(openBelow(root.fd, name, AS_FILE));
  if (!statusOfFile(file.fd).isFile) throw new Error("it is no regular file");
  opened.move();
  return file;
}

/** A disk of the host that the guest only reads is no part of a checkpoint. */
export const isLent = (kind: DiskRecord["kind"] | undefined): boolean => kind === "host";

/** Two that differ are not the same disk, or not as it was. */
export function identityOf(fd: number): string {
  const { isBlockDevice, node, size, modified } = statusOfFile(fd);
  return isBlockDevice ? `device ${node}` : `${size} bytes of ${modified}`;
}
