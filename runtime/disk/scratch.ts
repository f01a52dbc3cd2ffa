import { type Descriptor, owned } from "../../native/libc.ts";
import { memoryFile } from "../../native/process.ts";
import { writeExt2 } from "./ext2/writer.ts";
import { emptyFolder } from "./tree.ts";

/** A tmpfs whose size nobody said is half of the memory on Linux; a guest's disk is this. */
export const SCRATCH_BYTES = 64 << 20;

/** An empty file system in memory; what the guest writes counts to the container's memory as a tmpfs does. */
export function openScratch(bytes: number): Descriptor {
  using undo = new DisposableStack();
  const image = undo.use(owned(memoryFile("scratch", new Uint8Array())));
  writeExt2(emptyFolder(), image.fd, { bytes });
  undo.move();
  return image;
}
