/** The content of a tree's files, moved into an image. */
import { type Descriptor, owned } from "../../native/libc.ts";
import { openFound } from "../../native/regular-file.ts";
import { AS_FILE, FileStatus, nextData, nextHole, openBelow, writeAt } from "../../native/tree-files.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import { copyTold } from "./copy.ts";
import type { Folder, HostContent, RegularFile } from "./tree.ts";

/** Bytes of a file that hold data; the rest is holes. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

const status = new FileStatus();

/** Throws a UnikrunError where it can't be read, or is no regular file any more. */
export function openContent(content: HostContent): Descriptor {
  using opened = new DisposableStack();
  try {
    const file = opened.use(openSource(content));
    if (status.readOpen(file.fd).kind === "file") {
      opened.move();
      return file;
    }
  } catch (error) {
    throw unreadable(content, reasonOf(error), error);
  }
  throw unreadable(content, "it is no regular file any more");
}

const openSource = ({ root, path }: HostContent): Descriptor =>
  path === "" ? owned(openFound(root.fd)) : openBelow(root.fd, path, AS_FILE);

function unreadable({ root, path }: HostContent, reason: string, cause?: unknown): UnikrunError {
  return new UnikrunError(
    `Can't copy ${path === "" ? root.name : `${path} below ${root.name}`} to a disk: ${reason}; leave the files as they are while the container is created.`,
    { cause },
  );
}

/** Where a file has data: all of it, unless it is said to have holes. In order; what is past its size does not count. */
export function spansOf(file: RegularFile): Span[] {
  if (file.size === 0) return [];
  if ("bytes" in file.content || !file.content.sparse) return [{ start: 0, end: file.size }];
  using source = openContent(file.content);
  const spans: Span[] = [];
  for (let at = 0; at < file.size; ) {
    const start = nextData(source.fd, at);
    if (start === null || start >= file.size) break;
    at = nextHole(source.fd, start);
    if (at <= start) break;
    spans.push({ start, end: Math.min(at, file.size) });
  }
  return spans;
}

/** Bytes that are copied of a tree's files: holes are not, nor is what has several names twice. */
export function contentBytes(tree: Folder): number {
  const known = new Set<string>();
  let total = 0;
  const folders = [tree];
  for (let folder = folders.pop(); folder; folder = folders.pop())
    for (const entry of folder.entries.values()) {
      if (entry.kind === "folder") folders.push(entry);
      if (entry.kind !== "file" || (entry.identity !== undefined && known.has(entry.identity))) continue;
      if (entry.identity !== undefined) known.add(entry.identity);
      for (const { start, end } of spansOf(entry)) total += end - start;
    }
  return total;
}

/**
 * Copies spans of a file: `place` says where in the image a span is to begin. The image has zeros there, which stay
 * where the file has become shorter.
 */
export function copyContent(
  file: RegularFile,
  image: number,
  spans: Iterable<Span & { readonly place: number }>,
): void {
  const { content } = file;
  if ("bytes" in content) {
    for (const { start, end, place } of spans)
      writeAt(image, content.bytes.subarray(start, Math.min(end, file.size)), place);
    return;
  }
  using source = openContent(content);
  for (const { start, end, place } of spans) {
    const length = Math.min(end, file.size) - start;
    if (copyTold(source.fd, start, image, place, length) < length) break;
  }
}
