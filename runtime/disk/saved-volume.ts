/** A volume's disk as a checkpoint has it, in the place of the one that was made of its folder. */
import { unpackSparse } from "../../native/copy.ts";
import { removeFile } from "../../native/files.ts";
import { type Descriptor, O_CREAT, O_RDWR, O_TRUNC, openPath, owned } from "../../native/libc.ts";
import { setSize } from "../../native/tree-files.ts";
import { setOwner } from "../../native/tree-writes.ts";
import { UnikrunError } from "../error.ts";
import { ext2State } from "./ext2/image.ts";
import { openExt2 } from "./ext2/reader.ts";
import { type NamedDisk, removeLostAndFound, repairExt2 } from "./repair.ts";
import { isSameTree } from "./same-tree.ts";
import { settledScan } from "./scan.ts";
import type { Folder } from "./tree.ts";
import { beginWriting, DISK_OWNER, makeDisk, type TakenVolume, takeVolume, type Volume } from "./volume.ts";
import type { Writer } from "./writer.ts";

/**
 * Opens a copy of the disk that `saved` holds for the volume's next guest, which has parts of it in its memory and can't be given
 * another. Throws UnikrunError where the folder is not what that disk holds: what came there since would be lost.
 */
export function openSavedVolume(volume: Volume & Writer & { saved: Descriptor }): Descriptor {
  const { containerId, saved } = volume;
  using taken = takeVolume(volume);
  const { place, folder, record } = taken;
  if (record?.pending)
    throw new UnikrunError(
      `Container ${containerId} can't be restored: the volume ${folder.name} has no room for what its last guest wrote: make room there.`,
    );
  const scan = settledScan(folder);
  if (!holdsTree(taken, saved, scan.tree)) {
    throw new UnikrunError(
      `Container ${containerId} can't be restored: the volume ${folder.name} has changed since the checkpoint, and the guest would not know it: start it without the checkpoint, or put the volume's files back.`,
    );
  }
  using undo = new DisposableStack();
  const copy = undo.use(
    makeDisk(place, (fd) => {
      setSize(fd, 0);
      unpackSparse(saved.fd, fd);
    }),
  );
  beginWriting(taken, volume, scan);
  undo.move();
  return copy;
}

/** Whether the disk, once repaired as it was after the guest's end, has the files of the tree and no others. */
function holdsTree(
  { place, folder }: Pick<TakenVolume, "place" | "folder">,
  saved: Descriptor,
  tree: Folder,
): boolean {
  const scratch = `${place.image}.look`;
  using undo = new DisposableStack();
  const copy = undo.use(owned(openPath(scratch, O_RDWR | O_CREAT | O_TRUNC, 0o600)));
  undo.defer(() => removeFile(scratch));
  unpackSparse(saved.fd, copy.fd);
  setOwner(copy.fd, { uid: DISK_OWNER, gid: DISK_OWNER });
  if (ext2State(copy.fd) === "unclean") {
    const named: NamedDisk = {
      fd: copy.fd,
      name: `the checkpoint's disk of the volume ${folder.name}`,
      remedy: "start the container without the checkpoint",
    };
    repairExt2(named);
    removeLostAndFound(named);
  }
  return isSameTree(openExt2(copy.fd), tree);
}
