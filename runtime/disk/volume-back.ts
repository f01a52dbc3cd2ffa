/** From a volume's disk into its folder. */
import { rename } from "../../native/files.ts";
import { type Descriptor, O_CREAT, O_RDWR, openPath, owned } from "../../native/libc.ts";
import { lockWithin } from "../../native/lock.ts";
import { AS_FOLDER, openBelow } from "../../native/tree-files.ts";
import { syncData } from "../../native/tree-writes.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import { beginWork, waitTelling } from "../progress.ts";
import { ext2State } from "./ext2/image.ts";
import { markUntouched } from "./ext2/mark.ts";
import { openExt2 } from "./ext2/reader.ts";
import { pathSource } from "./host-source.ts";
import { type NamedDisk, removeLostAndFound, repairExt2 } from "./repair.ts";
import { isSameTree } from "./same-tree.ts";
import { settledScan } from "./scan.ts";
import { isSameFolder, openVolumeFolder, type VolumeFolder } from "./volume-folder.ts";
import { recordIn, type VolumePlace, type VolumeRecord, writeRecord, writerOf } from "./volume-record.ts";
import { isFull } from "./volume-size.ts";
import { bytesToBring, writeBack } from "./write-back.ts";

/** Milliseconds that somebody else may take to bring a disk back. */
const PATIENCE = 120_000;
/** Milliseconds that a machine which was killed may take to let go of its disk. */
export const DYING = 2000;

/** What became of a volume: "in order" where its folder lacked nothing, "in use" where a guest is writing it still. */
export interface BroughtBack {
  readonly folder: string;
  /** Whose guest wrote it last; undefined where none has. */
  readonly container?: string;
  readonly outcome: "brought back" | "in order" | "in use";
}

/**
 * Brings what a guest wrote back, if that is still to be done, and its machine is gone.
 * The folder is looked for at `path`, or where it was. Throws UnikrunError where it is not there: the disk is kept.
 */
export function bringVolumeBack(place: VolumePlace, path?: string): BroughtBack {
  const name = path ?? recordIn(place.path)?.source ?? place.path;
  using _lock = lockPlace(place, name);
  const record = recordIn(place.path);
  const which = { folder: name, ...(record ? { container: writerOf(record) } : {}) };
  if (!record?.pending) return { ...which, outcome: "in order" };
  using disk = owned(openPath(place.image, O_RDWR));
  if (!lockWithin(disk.fd, DYING)) return { ...which, outcome: "in use" };
  using folder = folderOf(place, record, path ?? record.source);
  bringBack(place, disk, folder);
  return { ...which, outcome: "brought back" };
}

function folderOf(place: VolumePlace, record: VolumeRecord, path: string): VolumeFolder {
  using opened = new DisposableStack();
  let why = "is gone";
  try {
    const folder = opened.use(openVolumeFolder({ ...pathSource(path), recursive: !record.alone }));
    if (isSameFolder(record.folder, folder.identity)) {
      opened.move();
      return folder;
    }
    why = "is another one now";
  } catch (cause) {
    if (!(cause instanceof UnikrunError)) throw cause;
  }
  throw new UnikrunError(
    `The folder ${path} ${why}, which the guest of container ${writerOf(record)} wrote: its disk is kept as ${place.image}; put the folder back there, or mount it anywhere, and call unikrun volumes with its path.`,
  );
}

/** Held by whoever prepares a disk or writes it back. Throws UnikrunError. */
export function lockPlace({ lock: file }: VolumePlace, name: string): Descriptor {
  using opened = new DisposableStack();
  const lock = opened.use(owned(openPath(file, O_RDWR | O_CREAT, 0o600)));
  const words = `Waiting for another process, which brings the volume ${name} back or makes its disk.`;
  if (!waitTelling(words, PATIENCE, (patience) => lockWithin(lock.fd, patience))) {
    throw new UnikrunError(
      `Another process has been busy with the disk of the volume ${name} for two minutes: see what it does (fuser ${file}).`,
    );
  }
  opened.move();
  return lock;
}

/**
 * The record as it is afterwards; null where nothing is known of the folder. Throws UnikrunError, with what the system said as its
 * cause where the folder is full.
 */
export function bringBack(place: VolumePlace, disk: Descriptor, folder: VolumeFolder): VolumeRecord | null {
  const record = recordIn(place.path);
  if (!record?.pending) return record;
  const state = ext2State(disk.fd);
  if (state === "other") {
    const kept = `${place.image}.${Date.now()}`;
    rename(place.image, kept);
    writeRecord(place, { ...record, pending: false, fingerprint: "" });
    throw new UnikrunError(
      `The guest of container ${writerOf(record)} left no file system on the disk of the volume ${folder.name}: its disk is kept as ${kept}, and the volume is as it was before.`,
    );
  }
  if (state === "unclean") {
    const named: NamedDisk = {
      fd: disk.fd,
      name: `the disk of the volume ${folder.name}`,
      remedy: `repair it by hand (e2fsck -fy ${place.image}) and call unikrun volumes ${folder.name}`,
    };
    repairExt2(named);
    removeLostAndFound(named);
    // It is clean from here on, whatever becomes of us.
    writeRecord(place, { ...record, thorough: true });
  }
  const thorough = state === "unclean" || record.thorough === true;
  using top = openBelow(folder.fd, ".", AS_FOLDER);
  const brought = new Set(record.brought);
  try {
    using _work = beginWork(
      `bringing back what the guest of container ${writerOf(record)} wrote in ${folder.name}`,
      () => bytesToBring(openExt2(disk.fd), thorough),
    );
    writeBack(openExt2(disk.fd), top, {
      newest: BigInt(record.newest),
      thorough,
      brought,
      maps: record.maps,
    });
  } catch (cause) {
    if (!isFull(cause)) throw cause;
    writeRecord(place, { ...record, thorough, brought: [...brought] });
    throw new UnikrunError(
      `The volume ${folder.name} has no room for what the guest of container ${writerOf(record)} wrote (${reasonOf(cause)}): it is kept as ${place.image}; make room in that folder and call unikrun volumes.`,
      { cause },
    );
  }
  markUntouched(disk.fd);
  syncData(disk.fd);
  const { tree, fingerprint, newest } = settledScan({ ...folder, maps: record.maps });
  // Where others changed the folder meanwhile, the disk is not what the next guest is to see.
  const same = isSameTree(openExt2(disk.fd), tree);
  const { thorough: _, brought: __, ...rest } = record;
  const done = { ...rest, pending: false, fingerprint: same ? fingerprint : "", newest: String(newest) };
  writeRecord(place, done);
  return done;
}
