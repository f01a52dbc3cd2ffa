import { makeFolders, removeFile } from "../../native/files.ts";
import { type Descriptor, O_CREAT, O_RDWR, O_TRUNC, openPath, owned } from "../../native/libc.ts";
import { memoryFile } from "../../native/process.ts";
import { isInMemory } from "../../native/room.ts";
import { beginWork } from "../progress.ts";
import { contentBytes } from "./content.ts";
import { ext2Bytes, writeExt2 } from "./ext2/writer.ts";
import type { HostSource } from "./host-source.ts";
import { openFolderRoot } from "./root.ts";
import { settledScan } from "./scan.ts";
import { emptyFolder, type Folder } from "./tree.ts";

/** What is said of a file system that is gone with the machine. */
export interface Scratch {
  readonly bytes?: number;
  /** 12 permission bits of its root; as tmpfs(5) has it unless it is said. */
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Of what folder of the host it is a copy (HostSource.at), if it is. */
  readonly copyOf?: string;
}

/** A tmpfs whose size nobody said is half of the memory on Linux; a guest's disk is this. */
const BYTES = 64 << 20;

/** A copy of a folder, in a file of the store that has no name: in memory it would count to the container's, as what is in memory already does. */
export function openCopy(
  source: HostSource,
  { store, mountpoint, bytes }: { store: string; mountpoint: string; bytes: number },
): Descriptor {
  using root = openFolderRoot(source);
  const { tree } = settledScan(root);
  using _work = beginWork(`making the disk of ${mountpoint}`, () => contentBytes(tree));
  if (isInMemory(root.fd)) return inMemory("copy", tree, bytes);
  const folder = `${store}/copies`;
  makeFolders(folder, 0o700);
  const path = `${folder}/${process.pid}-${root.fd}`;
  using undo = new DisposableStack();
  const image = undo.use(owned(openPath(path, O_RDWR | O_CREAT | O_TRUNC, 0o600)));
  removeFile(path);
  writeExt2(tree, image.fd, { bytes: Math.max(bytes, ext2Bytes(tree) * 2) });
  undo.move();
  return image;
}

/** An empty file system in memory; what the guest writes counts to the container's memory as a tmpfs does. */
export function openScratch({ bytes = BYTES, mode = 0o1777, uid = 0, gid = 0 }: Scratch): Descriptor {
  return inMemory("scratch", { ...emptyFolder(), mode, uid, gid }, bytes);
}

function inMemory(name: string, tree: Folder, bytes: number): Descriptor {
  using undo = new DisposableStack();
  const image = undo.use(owned(memoryFile(name, new Uint8Array())));
  writeExt2(tree, image.fd, { bytes: Math.max(bytes, ext2Bytes(tree)) });
  undo.move();
  return image;
}
