/**
 * Folders of the host that a guest writes. It gets a disk of its own, made from the folder; when its machine is gone, what
 * it wrote is brought back into the folder. Until then the disk is the truth, and it lies in the store, so nothing is lost
 * with the runtime, the machine or the engine: whoever comes next brings it back first.
 */
import { removeFile, rename, statusOfFile, statusOrNull } from "../../native/files.ts";
import {
  type Descriptor,
  duplicate,
  errorCode,
  O_CREAT,
  O_RDWR,
  openPath,
  owned,
} from "../../native/libc.ts";
import { lockWithin, tryLock } from "../../native/lock.ts";
import { ownUid } from "../../native/own-uid.ts";
import { setOwner, syncData } from "../../native/tree-writes.ts";
import type { IdMaps } from "../../native/user-namespace.ts";
import { UnikrunError } from "../error.ts";
import { beginWork } from "../progress.ts";
import { contentBytes } from "./content.ts";
import { ext2State } from "./ext2/image.ts";
import { writeExt2 } from "./ext2/writer.ts";
import type { HostSource } from "./host-source.ts";
import { keptOwner, mayFill } from "./owners.ts";
import { whyNoRepair } from "./repair.ts";
import { type Scan, settledScan } from "./scan.ts";
import type { Folder } from "./tree.ts";
import { bringBack, DYING, lockPlace } from "./volume-back.ts";
import { openVolumeFolder, type VolumeFolder } from "./volume-folder.ts";
import {
  placeOf,
  recordIn,
  type VolumePlace,
  type VolumeRecord,
  writeRecord,
  writerOf,
} from "./volume-record.ts";
import { isFull, roomFor, volumeSize } from "./volume-size.ts";
import { isWritten, type Writer } from "./writer.ts";

export interface Volume {
  readonly store: string;
  readonly source: HostSource;
}

/** A volume that nobody writes, and nobody else takes until this is disposed of. */
export interface TakenVolume extends Disposable {
  readonly folder: VolumeFolder;
  readonly place: VolumePlace;
  /** The disk of before, which is ours while this descriptor or a copy is open. */
  readonly disk: Descriptor;
  /** As the folder was left; null for one that no guest had. It is pending where the folder is full. */
  readonly record: VolumeRecord | null;
}

/** Brings back what the last guest wrote first. Throws UnikrunError where another guest has the volume. */
export function takeVolume({ store, source, containerId }: Volume & { containerId: string }): TakenVolume {
  const why = whyNoRepair();
  if (why) {
    throw new UnikrunError(
      `Container ${containerId}: its guest can't write the volume ${source.name}, since a machine that is switched off leaves its disk unclean, and ${why}, or mount the volume read-only.`,
    );
  }
  using opened = new DisposableStack();
  const folder = opened.use(openVolumeFolder(source));
  refuseStrangers(containerId, folder);
  const { place, lock } = lockedPlace(store, folder);
  opened.use(lock);
  const disk = opened.use(owned(openPath(place.image, O_RDWR | O_CREAT, 0o600)));
  if (!lockWithin(disk.fd, DYING))
    throw isWritten(containerId, { kind: "volume", source: source.name }, writerIn(place));
  const record = bringBackUnlessFull(place, disk, folder);
  const all = opened.move();
  return { folder, place, disk, record, [Symbol.dispose]: () => all.dispose() };
}

function writerIn({ path }: VolumePlace): Writer | undefined {
  const record = recordIn(path);
  return record ? { containerId: record.container, title: record.title } : undefined;
}

/** Else its guest would write what nobody may bring back. Throws UnikrunError. */
function refuseStrangers(containerId: string, { fd, name, maps }: VolumeFolder): void {
  const status = statusOfFile(fd);
  if (mayFill(maps, status)) return;
  throw new UnikrunError(
    `Container ${containerId}: its guest can't write the volume ${name}, which belongs to ${status.uid}:${status.gid}, nobody in the container's user namespace: give it to the namespace's root (chown ${rootOf(maps)} ${name}), or mount it read-only.`,
  );
}

/** What is not in the folder yet has the owners that its last guest knew. Throws UnikrunError. */
function refuseOthers(containerId: string, { name, maps }: VolumeFolder, record: VolumeRecord): void {
  if (JSON.stringify(maps) === JSON.stringify(record.maps)) return;
  throw new UnikrunError(
    `Container ${containerId}: the volume ${name} has no room for what the guest of container ${writerOf(record)} wrote, whose users are others on the host: make room in that folder and call unikrun volumes.`,
  );
}

const rootOf = (maps: IdMaps | undefined): string => {
  const { uid, gid } = keptOwner(maps, { uid: 0, gid: 0 });
  return `${uid}:${gid}`;
};

/** Another's call may have removed it before it was locked. */
function lockedPlace(store: string, folder: VolumeFolder): { place: VolumePlace; lock: Descriptor } {
  for (;;) {
    const place = placeOf(store, folder);
    try {
      using opened = new DisposableStack();
      const lock = opened.use(lockPlace(place, folder.name));
      if (statusOrNull(place.lock)?.inode !== statusOfFile(lock.fd).inode) continue;
      opened.move();
      return { place, lock };
    } catch (error) {
      if (errorCode(error) !== "ENOENT") throw error;
    }
  }
}

/** A guest that may delete files is the way out for a folder that is full: it goes on with the disk. */
function bringBackUnlessFull(
  place: VolumePlace,
  disk: Descriptor,
  folder: VolumeFolder,
): VolumeRecord | null {
  try {
    return bringBack(place, disk, folder);
  } catch (error) {
    if (error instanceof UnikrunError && isFull(error.cause)) return recordIn(place.path);
    throw error;
  }
}

/** The disk for writing, which is this machine's as long as the descriptor or a copy is open. */
export function openVolume(volume: Volume & Writer & { mountpoint: string; bytes: number }): Descriptor {
  const { bytes, mountpoint } = volume;
  using taken = takeVolume(volume);
  const { folder, place, record } = taken;
  using undo = new DisposableStack();
  let disk = undo.use(owned(duplicate(taken.disk.fd)));
  if (record?.pending) {
    refuseOthers(volume.containerId, folder, record);
    writeRecord(place, { ...record, ...writing(volume) });
  } else {
    const { tree, fingerprint, newest } = settledScan(folder);
    const room = roomFor({ folder: folder.fd, disk: disk.fd });
    const isSame = record?.fingerprint === fingerprint && ext2State(disk.fd) === "clean";
    if (!isSame || !fits(disk.fd, tree, room)) {
      const size = volumeSize(tree, { wanted: bytes, room });
      using _work = beginWork(`making the disk of ${mountpoint}`, () => contentBytes(tree));
      disk = undo.use(makeDisk(place, (fd) => writeExt2(tree, fd, size)));
    }
    beginWriting(taken, volume, { fingerprint, newest });
  }
  const kept = disk;
  undo.move();
  return kept;
}

/** Whether a disk is not larger than what is there now. */
function fits(disk: number, tree: Folder, room: number): boolean {
  const { size } = statusOfFile(disk);
  return size <= room || size <= volumeSize(tree, { wanted: size, room }).bytes;
}

/** A new disk, ours, in the place of the one before, which stays where it can't be made. */
export function makeDisk(place: VolumePlace, write: (fd: number) => void): Descriptor {
  const draft = `${place.image}.new`;
  using undo = new DisposableStack();
  const disk = undo.use(owned(openPath(draft, O_RDWR | O_CREAT, 0o600)));
  undo.defer(() => removeFile(draft));
  write(disk.fd);
  setOwner(disk.fd, { uid: DISK_OWNER, gid: DISK_OWNER });
  if (!tryLock(disk.fd)) throw new Error(`${draft} is locked by somebody else`);
  syncData(disk.fd);
  rename(draft, place.image);
  undo.move();
  return disk;
}

/** From now on the disk is the truth. */
export function beginWriting(
  { place, folder }: Pick<TakenVolume, "place" | "folder">,
  writer: Writer,
  { fingerprint, newest }: Pick<Scan, "fingerprint" | "newest">,
): void {
  const { home: source, identity, recursive, maps } = folder;
  const which = {
    source,
    folder: identity,
    ...(recursive ? {} : { alone: true }),
    ...(maps ? { maps } : {}),
  };
  writeRecord(place, { ...which, ...writing(writer), pending: true, fingerprint, newest: String(newest) });
}

/** Without the title of the one before. */
const writing = ({ containerId, title }: Writer) => ({ container: containerId, title });

/** Nobody's: whoever repairs a guest's file system can read it, and nothing else. */
export const DISK_OWNER = ownUid("disk", 0);
