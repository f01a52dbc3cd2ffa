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
  const disks = [...wanted.map(ofImage), ...mounts.flatMap(ofHost)];
  if (!declared) return disks;
  const used = new Set<Disk>();
  return declared.map((name) => {
    const disk =
      disks.find(({ mountpoint }) => mountpoint?.split("/").pop() === name) ??
      disks.find(
        (each) => !used.has(each) && !declared.some((other) => each.mountpoint?.split("/").pop() === other),
      );
    if (!disk)
      throw new UnikrunError(
        `Container ${id} can't be started: its unikernel ${kernel} declares the disk ${JSON.stringify(name)}, and there is none for it: mount a disk image at /${name} (docker run -v FILE:/${name}), or name one of the image by "disks" in /unikrun.json.`,
      );
    used.add(disk);
    return disk;
  });
}

const ofImage = ({ path, mountpoint }: WantedDisk): Disk => ({
  ...(mountpoint === undefined ? {} : { mountpoint }),
  readOnly: true,
  content: { kind: "image", path },
});

const ofHost = ({ destination, readOnly, source }: KnownMount): Disk[] =>
  source.kind === "disk"
    ? [{ mountpoint: destination, readOnly, content: { kind: "host", source: source.path } }]
    : [];
