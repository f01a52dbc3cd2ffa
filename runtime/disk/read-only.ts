/** Disks that a guest only reads: ISO 9660 images of folders of the image or the host, with single files laid over them. */
import { exists, statusOfFile } from "../../native/files.ts";
import { type Descriptor, O_RDONLY, openPath, owned } from "../../native/libc.ts";
import { joinPaths } from "../../native/paths.ts";
import { memoryFile } from "../../native/process.ts";
import { isInMemory } from "../../native/room.ts";
import { FileStatus } from "../../native/tree-files.ts";
import type { IdMaps } from "../../native/user-namespace.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import { beginWork } from "../progress.ts";
import { cachedImage } from "./cache.ts";
import type { TreeContent } from "./choose.ts";
import { contentBytes } from "./content.ts";
import { type HostSource, pathSource } from "./host-source.ts";
import { writeIso } from "./iso9660.ts";
import { mayRead } from "./owners.ts";
import { openFileRoot, openFolderRoot } from "./root.ts";
import { attributesOf, settledScan } from "./scan.ts";
import { emptyFolder, type Folder, put, type RegularFile } from "./tree.ts";

/** Images of at most this many bytes of files are made anew each time, in memory: that takes a few milliseconds. */
const SMALL = 4 << 20;

/** Changes with the form of the images, so that none of another form is taken for one of ours. */
const FORM = "iso-1";

export interface ReadOnlyOptions {
  readonly containerId: string;
  /** The image's root. */
  readonly rootfs: string;
  /** Of its files' owners (HostSource). */
  readonly maps?: IdMaps | undefined;
  /** What of the host its mounts' contents are, by what stands for it in `Disk` (HostSource.at). */
  readonly sourceAt: (at: string) => HostSource;
  readonly store: string;
  /** Bytes that images in the store may take. */
  readonly limit: number;
  /** Texts in place of the content of files of the host, by the files' names. */
  readonly texts: ReadonlyMap<string, string>;
  /** Files that the guest would have if there were no disk, by their paths in it: they stay where the disk has no others. */
  readonly builtIn: ReadonlyMap<string, Buffer>;
}

/** What is to be on an image. */
export interface ComposedTree {
  readonly tree: Folder;
  /** The same for the same files, in hexadecimal. */
  readonly key: string;
  /** Whether an image of it is kept in the store, under that name, and not made anew each time. */
  readonly isKept: boolean;
}

/** The image, opened for reading only. */
export function openTree(mountpoint: string, content: TreeContent, options: ReadOnlyOptions): Descriptor {
  using opened = new DisposableStack();
  const { tree, key, isKept } = composeTree(mountpoint, content, options, opened);
  if (!isKept) return inMemory(tree);
  const { store, limit } = options;
  const write = (fd: number): void => {
    using _work = beginWork(`making the disk of ${mountpoint}`, () => contentBytes(tree));
    writeIso(tree, fd);
  };
  return cachedImage({ store, limit, key, write });
}

/** What its files are read from is open until `opened` ends. */
export function composeTree(
  mountpoint: string,
  content: TreeContent,
  options: ReadOnlyOptions,
  opened: DisposableStack,
): ComposedTree {
  const { tree, fingerprint, onlyInMemory } = readBase(content, options, opened);
  layUnder(tree, mountpoint, options.builtIn);
  for (const folder of content.folders) if (!isFolder(tree, folder)) put(tree, folder, emptyFolder());
  const key = new Bun.CryptoHasher("sha256").update(`${FORM}\n${fingerprint}\n`);
  for (const [path, source] of content.files) {
    const { file, identity } = hostFile(path, source, options, opened);
    put(tree, path, file);
    key.update(`${path}\0${identity}\0`);
  }
  for (const folder of content.folders) key.update(`${folder}\0`);
  for (const [path, bytes] of options.builtIn) key.update(`${path}\0`).update(bytes);
  return { tree, key: key.digest("hex"), isKept: bytesOf(tree) > SMALL && !onlyInMemory };
}

/** A disk with a single file on it. */
export function openText(path: string, text: string): Descriptor {
  const tree = emptyFolder();
  put(tree, path, textFile(Buffer.from(text)));
  return inMemory(tree);
}

function inMemory(tree: Folder): Descriptor {
  using image = owned(memoryFile("disk", new Uint8Array()));
  writeIso(tree, image.fd);
  // QEMU takes a descriptor for a read-only disk only if it can't write.
  return owned(openPath(`/proc/self/fd/${image.fd}`, O_RDONLY));
}

function layUnder(tree: Folder, mountpoint: string, files: ReadonlyMap<string, Buffer>): void {
  for (const [path, bytes] of files) {
    if (!path.startsWith(`${mountpoint}/`)) continue;
    const name = path.slice(mountpoint.length + 1);
    if (!name.includes("/") && !tree.entries.has(name)) put(tree, name, textFile(bytes));
  }
}

function textFile(bytes: Buffer): RegularFile {
  return { kind: "file", mode: 0o644, uid: 0, gid: 0, modified: 0n, size: bytes.length, content: { bytes } };
}

/** `onlyInMemory`: what it is read from is on no disk, and is not to get there. */
function readBase(
  { base }: TreeContent,
  { rootfs, maps, sourceAt }: ReadOnlyOptions,
  opened: DisposableStack,
): { tree: Folder; fingerprint: string; onlyInMemory?: boolean } {
  if (!base) return { tree: emptyFolder(), fingerprint: "" };
  if (base.in === "nothing") {
    const { mode, uid, gid } = base;
    return { tree: { ...emptyFolder(), mode, uid, gid }, fingerprint: [mode, uid, gid].join(" ") };
  }
  // Engines make what they mount on only later, or not at all.
  if (base.in === "image" && !exists(joinPaths(rootfs, base.path)))
    return { tree: emptyFolder(), fingerprint: "" };
  if (base.in === "image")
    return settledScan(opened.use(openFolderRoot({ ...pathSource(rootfs), maps })), base.path);
  const root = opened.use(openFolderRoot(sourceAt(base.path)));
  return { ...settledScan(root), onlyInMemory: isInMemory(root.fd) };
}

/** A file that the operator named: links in its path are his, and are followed as runc does. */
function hostFile(
  path: string,
  at: string,
  { containerId, texts, sourceAt }: ReadOnlyOptions,
  opened: DisposableStack,
): { file: RegularFile; identity: string } {
  const { name, maps } = sourceAt(at);
  try {
    const root = opened.use(openFileRoot(at, name));
    const { device, inode, size, modified } = statusOfFile(root.fd);
    const status = new FileStatus().readOpen(root.fd);
    if (!mayRead(maps, status)) throw new Error("it belongs to nobody in the container's user namespace");
    const attributes = attributesOf(status, maps);
    const text = texts.get(name);
    const bytes = text === undefined ? undefined : Buffer.from(text);
    const content = bytes ? { bytes } : { root, path: "" };
    return {
      file: { kind: "file", ...attributes, size: bytes?.length ?? size, content },
      identity: [name, device, inode, size, modified, text ?? "", JSON.stringify(maps ?? "")].join("\0"),
    };
  } catch (cause) {
    throw new UnikrunError(
      `Container ${containerId}: the file ${name}, to be mounted as ${path}, can't be read (${reasonOf(cause)}).`,
      { cause },
    );
  }
}

function isFolder(tree: Folder, path: string): boolean {
  let folder: Folder = tree;
  for (const name of path.split("/").filter((each) => each !== "")) {
    const next = folder.entries.get(name);
    if (next?.kind !== "folder") return false;
    folder = next;
  }
  return true;
}

function bytesOf(tree: Folder): number {
  let total = 0;
  const folders = [tree];
  for (let folder = folders.pop(); folder && total <= SMALL; folder = folders.pop()) {
    for (const entry of folder.entries.values()) {
      if (entry.kind === "folder") folders.push(entry);
      total += entry.kind === "folder" ? 2048 : 512 + (entry.kind === "file" ? entry.size : 0);
    }
  }
  return total;
}
