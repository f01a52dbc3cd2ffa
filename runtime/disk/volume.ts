/**
 * Folders of the host that a guest writes. It gets a disk of its own, made from the folder; when its machine is gone, what
 * it wrote is brought back into the folder. Until then the disk is the truth, and it lies in the store, so nothing is lost
 * with the runtime, the machine or the engine: whoever comes next brings it back first.
 */
import { rename } from "../../native/files.ts";
import { type Descriptor, duplicate, O_CREAT, O_RDWR, openPath, owned } from "../../native/libc.ts";
import { lockWithin, tryLock } from "../../native/lock.ts";
import { AS_FOLDER, openBelow, openRoot } from "../../native/tree-files.ts";
import { setOwner, syncData } from "../../native/tree-writes.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import { ext2State } from "./ext2/image.ts";
import { markUntouched } from "./ext2/mark.ts";
import { openExt2 } from "./ext2/reader.ts";
import { ext2Bytes, writeExt2 } from "./ext2/writer.ts";
import { removeLostAndFound, repairExt2, whyNoRepair } from "./repair.ts";
import { isSameTree } from "./same-tree.ts";
import { type Scan, settledScan } from "./scan.ts";
import { placeOf, recordIn, type VolumePlace, type VolumeRecord, writeRecord } from "./volume-record.ts";
import { writeBack } from "./write-back.ts";

export interface Volume {
  readonly store: string;
  /** The folder, absolute. */
  readonly source: string;
}

/** Milliseconds that somebody else may take to bring a disk back. */
const PATIENCE = 120_000;
/** Milliseconds that a machine which was killed may take to let go of its disk. */
const DYING = 2000;
/** Inodes of a disk cost time at every check of it. */
const LEAST_INODES = 65_536;

/** A volume that nobody writes, and nobody else takes until this is disposed of. */
export interface TakenVolume extends Disposable {
  readonly place: VolumePlace;
  /** The disk of before, which is ours while this descriptor or a copy is open. */
  readonly disk: Descriptor;
  /** As the folder was left; null for one that no guest had. */
  readonly record: VolumeRecord | null;
}

/** Brings back what the last guest wrote first. Throws UnikrunError where another guest has the volume. */
export function takeVolume(volume: Volume & { containerId: string }): TakenVolume {
  const { containerId, source } = volume;
  const why = whyNoRepair();
  if (why) {
    throw new UnikrunError(
      `Container ${containerId}: its guest can't write the volume ${source}, since a machine that is switched off leaves its disk unclean, and ${why}, or mount the volume read-only.`,
    );
  }
  using opened = new DisposableStack();
  const place = opened.use(lockPlace(volume));
  const disk = opened.use(owned(openPath(place.image, O_RDWR | O_CREAT, 0o600)));
  if (!lockWithin(disk.fd, DYING)) {
    throw new UnikrunError(
      `Container ${containerId}: the volume ${source} is being written by the guest of container ${recordIn(place.path)?.container ?? "another one"}: stop that one first, or mount the volume read-only.`,
    );
  }
  const record = bringBack(place, disk);
  const all = opened.move();
  return { place, disk, record, [Symbol.dispose]: () => all.dispose() };
}

/** The disk for writing, which is this machine's as long as the descriptor or a copy is open. */
export function openVolume(volume: Volume & { containerId: string; bytes: number }): Descriptor {
  const { containerId, bytes } = volume;
  using taken = takeVolume(volume);
  const { place, record } = taken;
  using undo = new DisposableStack();
  let disk = undo.use(owned(duplicate(taken.disk.fd)));
  const { tree, fingerprint, newest } = settledScan(place.source);
  if (record?.fingerprint !== fingerprint || ext2State(disk.fd) !== "clean") {
    const draft = `${place.image}.new`;
    disk = undo.use(owned(openPath(draft, O_RDWR | O_CREAT, 0o600)));
    const needed = ext2Bytes(tree, LEAST_INODES);
    writeExt2(tree, disk.fd, { bytes: Math.max(bytes, needed * 2), inodes: LEAST_INODES });
    setOwner(disk.fd, { uid: DISK_OWNER, gid: DISK_OWNER });
    if (!tryLock(disk.fd)) throw new Error(`${draft} is locked by somebody else`);
    syncData(disk.fd);
    rename(draft, place.image);
  }
  beginWriting(place, containerId, { fingerprint, newest });
  const kept = disk;
  undo.move();
  return kept;
}

/** From now on the disk is the truth. */
export function beginWriting(
  place: VolumePlace,
  container: string,
  { fingerprint, newest }: Pick<Scan, "fingerprint" | "newest">,
): void {
  const { source, folder } = place;
  writeRecord(place, { source, folder, container, pending: true, fingerprint, newest: String(newest) });
}

/** Nobody's: whoever repairs a guest's file system can read it, and nothing else. */
export const DISK_OWNER = 0x6fff_ffff;

/**
 * Brings what a guest wrote back into the folder, if that is still to be done, and its machine is gone.
 * Returns whether it is done.
 */
export function bringVolumeBack(volume: Volume): boolean {
  using place = lockPlace(volume);
  if (!recordIn(place.path)?.pending) return true;
  using disk = owned(openPath(place.image, O_RDWR));
  if (!lockWithin(disk.fd, DYING)) return false;
  bringBack(place, disk);
  return true;
}

function lockPlace({ store, source }: Volume): VolumePlace & Disposable {
  let place: VolumePlace;
  try {
    place = placeOf(store, source);
  } catch (cause) {
    throw new UnikrunError(`The volume ${source} can't be opened (${reasonOf(cause)}).`, { cause });
  }
  const lock = owned(openPath(place.lock, O_RDWR | O_CREAT, 0o600));
  if (lockWithin(lock.fd, PATIENCE)) return { ...place, [Symbol.dispose]: () => lock[Symbol.dispose]() };
  lock[Symbol.dispose]();
  throw new UnikrunError(
    `Another process has been busy with the disk of the volume ${source} for two minutes: see what it does (fuser ${place.lock}).`,
  );
}

/** The record as it is afterwards; null where nothing is known of the folder. */
function bringBack(place: VolumePlace, disk: Descriptor): VolumeRecord | null {
  const record = recordIn(place.path);
  if (!record) return null;
  if (record.folder !== place.folder) {
    // Another folder has the name now: what was to be written to the one before is not for this one, and is kept.
    if (record.pending) rename(place.image, `${place.image}.${Date.now()}`);
    return null;
  }
  if (!record.pending) return record;
  const state = ext2State(disk.fd);
  if (state === "other") {
    const kept = `${place.image}.${Date.now()}`;
    rename(place.image, kept);
    writeRecord(place, { ...record, pending: false, fingerprint: "" });
    throw new UnikrunError(
      `The guest of container ${record.container} left no file system on the disk of the volume ${place.source}: its disk is kept as ${kept}, and the volume is as it was before.`,
    );
  }
  if (state === "unclean") {
    const name = `the disk of the volume ${place.source}`;
    repairExt2(disk.fd, name);
    removeLostAndFound(disk.fd, name);
  }
  using root = openRoot(place.source);
  using folder = openBelow(root.fd, ".", AS_FOLDER);
  writeBack(openExt2(disk.fd), folder, { newest: BigInt(record.newest), thorough: state === "unclean" });
  markUntouched(disk.fd);
  syncData(disk.fd);
  const { tree, fingerprint, newest } = settledScan(place.source);
  // Where others changed the folder meanwhile, the disk is not what the next guest is to see.
  const same = isSameTree(openExt2(disk.fd), tree);
  const done = { ...record, pending: false, fingerprint: same ? fingerprint : "", newest: String(newest) };
  writeRecord(place, done);
  return done;
}
