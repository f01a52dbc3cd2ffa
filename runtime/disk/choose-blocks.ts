/** Which disks a guest gets that has no file system of its own, or none that we can write: disk images only. */
import { UnikrunError } from "../error.ts";
import type { Disk, KnownMount, WantedDisk } from "./choose.ts";

/**
 * `declared`: the guest's own names for its disks; each is the disk that is mounted at a place of that name, else the next of those
 * that have no such place. Without, all of them in the order given. What only other families have a use for, as the engine's files in
 * /etc, is left out. Throws UnikrunError for a folder that somebody expects to be written, and for a disk that is not there.
 */
export function chooseBlocks(options: {
  id: string;
  /** For messages. */
  family: string;
  kernel: string;
  wanted: readonly WantedDisk[];
  mounts: readonly KnownMount[];
  declared: readonly string[] | undefined;
}): Disk[] {
  const { id, family, kernel, wanted, mounts, declared } = options;
  const folder =
    wanted.find(({ kind }) => kind === "folder")?.path ??
    mounts.find(({ source, readOnly }) => source.kind === "folder" && !readOnly)?.destination;
  if (folder !== undefined)
    throw new UnikrunError(
      `Container ${id}: a ${family} guest can't be given the folder ${folder}, since it mounts none: give it a disk image or block device, or do without.`,
    );
  const isNamed = (place: string | undefined): boolean => declared?.includes(lastName(place)) ?? false;
  const disks = [
    ...wanted.map(ofImage),
    ...mounts.flatMap((mount) => ofHost(mount, isNamed(mount.destination))),
  ];
  if (!declared) return disks;
  const used = new Set<Disk>();
  return declared.map((name) => {
    const disk =
      disks.find(({ mountpoint }) => lastName(mountpoint) === name) ??
      disks.find((each) => !used.has(each) && !isNamed(each.mountpoint));
    if (!disk)
      throw new UnikrunError(
        `Container ${id} can't be started: its unikernel ${kernel} declares the disk ${JSON.stringify(name)}, and there is none for it: mount a disk image at /${name} (docker run -v FILE:/${name}), or name one of the image by "disks" in /unikrun.json.`,
      );
    used.add(disk);
    return disk;
  });
}

const lastName = (path: string | undefined): string => path?.split("/").pop() ?? "";

const ofImage = ({ path, mountpoint }: WantedDisk): Disk => ({
  ...(mountpoint === undefined ? {} : { mountpoint }),
  readOnly: true,
  content: { kind: "image", path },
});

/** Any file is a disk where the guest has that name for one. */
const ofHost = ({ destination, readOnly, source }: KnownMount, isNamed: boolean): Disk[] =>
  source.kind === "disk" || (source.kind === "file" && isNamed)
    ? [{ mountpoint: destination, readOnly, content: { kind: "host", source: source.path } }]
    : [];
