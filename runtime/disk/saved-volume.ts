/** A volume's disk as a checkpoint has it, in the place of the one that was made of its folder. */
import { unpackSparse } from "../../native/copy.ts";
import { removeFile, rename } from "../../native/files.ts";
import { type Descriptor, O_CREAT, O_RDWR, O_TRUNC, openPath, owned } from "../../native/libc.ts";
import { tryLock } from "../../native/lock.ts";
import { setOwner, syncData } from "../../native/tree-writes.ts";
import { UnikrunError } from "../error.ts";
import { ext2State } from "./ext2/image.ts";
import { openExt2 } from "./ext2/reader.ts";
import { removeLostAndFound, repairExt2 } from "./repair.ts";
import { isSameTree } from "./same-tree.ts";
import { settledScan } from "./scan.ts";
import { beginWriting, DISK_OWNER, takeVolume, type Volume } from "./volume.ts";

/**
 * Opens a copy of the disk that `saved` holds for the volume's next guest, which has parts of it in its memory and can't be given
 * another. Throws UnikrunError where the folder is not what that disk holds: what came there since would be lost.
 */
export function openSavedVolume(volume: Volume & { containerId: string; saved: Descriptor }): Descriptor {
  const { containerId, saved } = volume;
  using taken = takeVolume(volume);
  const { place } = taken;
  const scan = settledScan(place.source);
  using undo = new DisposableStack();
  const draft = `${place.image}.new`;
  const copy = copyTo(draft, saved, undo);
  if (!holdsTree(`${place.image}.look`, saved, scan.tree)) {
    removeFile(draft);
    throw new UnikrunError(
      `Container ${containerId} can't be restored: the volume ${place.source} has changed since the checkpoint, and the guest would not know it: start it without the checkpoint, or put the volume's files back.`,
    );
  }
  if (!tryLock(copy.fd)) throw new Error(`${draft} is locked by somebody else`);
  syncData(copy.fd);
  rename(draft, place.image);
  beginWriting(place, containerId, scan);
  undo.move();
  return copy;
}

function copyTo(path: string, saved: Descriptor, undo: DisposableStack): Descriptor {
  const copy = undo.use(owned(openPath(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)));
  unpackSparse(saved.fd, copy.fd);
  setOwner(copy.fd, { uid: DISK_OWNER, gid: DISK_OWNER });
  return copy;
}

/** Whether the disk, once repaired as it was after the guest's end, has the files of the tree and no others. */
function holdsTree(scratch: string, saved: Descriptor, tree: Parameters<typeof isSameTree>[1]): boolean {
  using undo = new DisposableStack();
  const copy = copyTo(scratch, saved, undo);
  undo.defer(() => removeFile(scratch));
  if (ext2State(copy.fd) === "unclean") {
    repairExt2(copy.fd, "the checkpoint's disk");
    removeLostAndFound(copy.fd, "the checkpoint's disk");
  }
  return isSameTree(openExt2(copy.fd), tree);
}
