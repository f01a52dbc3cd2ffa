/** Which inodes a tree takes, and how many blocks. */
import { bytesOf } from "../../../native/names.ts";
import { UnikrunError } from "../../error.ts";
import { type Span, spansOf } from "../content.ts";
import { type Entry, type Folder, sorted } from "../tree.ts";
import { folderBlocks } from "./folder.ts";
import { BLOCK } from "./geometry.ts";
import { DIRECT_BLOCKS, INLINE_BYTES, ROOT_INODE } from "./layout.ts";

/** An entry with its inode. */
export interface Node {
  readonly inode: number;
  readonly entry: Entry;
  /** The first one, where there are several. */
  readonly path: string;
  /** Of a folder: what stands in it. */
  readonly children: readonly Child[];
  /** The folder that it is in. */
  readonly parent: number;
  links: number;
  /** Of a file: what is no hole. */
  readonly spans: readonly Span[];
}

export interface Child {
  readonly name: Buffer;
  readonly node: Node;
}

export interface Plan {
  /** In the order of their inodes: the root is 2, the others are from 11 on without a gap. */
  readonly nodes: readonly Node[];
  /** All that the tree takes besides inode tables and the like. */
  readonly blocks: number;
}

export const FIRST_INODE = 11;
const MOST_LINKS = 32_000;
const MOST_NAME_BYTES = 255;
const MOST_TARGET_BYTES = BLOCK - 1;
const PER_BLOCK = BLOCK / 4;
const MOST_FILE_BLOCKS = DIRECT_BLOCKS + PER_BLOCK + PER_BLOCK ** 2 + PER_BLOCK ** 3;
/** An inode counts what it has in 512 bytes, in 32 bits. */
const MOST_DATA_BLOCKS = 2 ** 29 - 2 ** 20;

/** Throws a UnikrunError for what ext2 can't hold. */
export function planOf(tree: Folder): Plan {
  const nodes: Node[] = [];
  const known = new Map<string, Node>();
  let next = FIRST_INODE;
  const add = (entry: Entry, path: string, parent: number): Node => {
    const inode = nodes.length === 0 ? ROOT_INODE : next++;
    const spans = entry.kind === "file" ? spansOf(entry) : [];
    const children: Child[] = [];
    const node = { inode, entry, path, children, parent: parent || inode, links: 0, spans };
    nodes.push(node);
    return node;
  };
  const root = add(tree, "", 0);
  root.links = 2;
  let blocks = 0;
  for (const folder of nodes) {
    blocks += checkedBlocks(folder);
    if (folder.entry.kind !== "folder") continue;
    const children = folder.children as Child[];
    for (const [name, entry] of sorted(folder.entry)) {
      const path = `${folder.path}/${name}`;
      const identity = entry.kind === "file" ? entry.identity : undefined;
      const node = (identity !== undefined && known.get(identity)) || add(entry, path, folder.inode);
      if (identity !== undefined) known.set(identity, node);
      children.push({ name: nameBytes(name, path), node });
      node.links += entry.kind === "folder" ? 2 : 1;
      if (entry.kind === "folder") folder.links++;
    }
    blocks += blocksOf([{ start: 0, end: folderSize(folder) }]);
  }
  for (const { links, path } of nodes) {
    if (links > MOST_LINKS)
      throw new UnikrunError(
        `${JSON.stringify(path || "/")} has ${links} links, and ext2 takes ${MOST_LINKS}: divide it into more folders.`,
      );
  }
  return { nodes, blocks };
}

/** Bytes of a folder's content. */
export const folderSize = ({ children }: Node): number => folderBlocks(children) * BLOCK;

function nameBytes(name: string, path: string): Buffer {
  const bytes = bytesOf(name);
  if (bytes.length > MOST_NAME_BYTES)
    throw new UnikrunError(
      `The name of ${JSON.stringify(path)} has ${bytes.length} bytes, and ext2 takes ${MOST_NAME_BYTES}: shorten it.`,
    );
  return bytes;
}

/** Blocks for the content of what is no folder, those with block numbers among them. */
function checkedBlocks({ entry, path, spans }: Node): number {
  if (entry.kind === "link") {
    const length = bytesOf(entry.target).length;
    if (length > MOST_TARGET_BYTES)
      throw new UnikrunError(
        `The link ${JSON.stringify(path)} has a target of ${length} bytes, and ext2 takes ${MOST_TARGET_BYTES}: shorten it.`,
      );
    return length < INLINE_BYTES ? 0 : 1;
  }
  if (entry.kind !== "file") return 0;
  const blocks = blocksOf(spans);
  if (Math.ceil(entry.size / BLOCK) > MOST_FILE_BLOCKS || blocks > MOST_DATA_BLOCKS)
    throw new UnikrunError(
      `${JSON.stringify(path)} has ${entry.size} bytes, which is more than a file on ext2 can have: leave it out.`,
    );
  return blocks;
}

/** Blocks of a file with these spans, those with block numbers among them. */
function blocksOf(spans: readonly Span[]): number {
  let sum = 0;
  let reach = 0;
  const last = [-1, -1, -1];
  for (const { start, end } of spans) {
    const first = Math.max(reach, Math.floor(start / BLOCK));
    reach = Math.max(reach, Math.ceil(end / BLOCK));
    sum += reach - first;
    if (reach > first) sum += indirectBlocks(first, reach - 1, last);
  }
  return sum;
}

/** Blocks with block numbers for some data blocks, without those that `last` (by depth) says are there already. */
function indirectBlocks(first: number, final: number, last: number[]): number {
  let sum = 0;
  for (let depth = 0; depth < 3; depth++) {
    const covered = PER_BLOCK ** (depth + 1);
    const from = indirectIndex(first, covered, depth);
    const to = indirectIndex(final, covered, depth);
    if (to < 0) continue;
    const begin = Math.max(from, (last[depth] ?? -1) + 1, 0);
    if (to < begin) continue;
    sum += to - begin + 1;
    last[depth] = to;
  }
  return sum;
}

/**
 * Among the blocks that hold numbers for `covered` data blocks, the one for a data block; negative where it needs none. The first of
 * each depth hangs on the inode (or a deeper one) and begins behind what the depths before it cover.
 */
function indirectIndex(block: number, covered: number, depth: number): number {
  let begin = DIRECT_BLOCKS;
  for (let shallower = 0; shallower < depth; shallower++) begin += PER_BLOCK ** (shallower + 1);
  return block < begin ? -1 : Math.floor((block - begin) / covered);
}
