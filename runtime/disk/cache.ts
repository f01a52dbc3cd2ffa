/** Read-only images that several starts share, by what is on them. The store is ours alone. */
import {
  listFolder,
  makeFolders,
  removeFile,
  rename,
  statusOfFile,
  statusOrNull,
} from "../../native/files.ts";
import { type Descriptor, errorCode, O_CREAT, O_RDONLY, O_RDWR, openPath, owned } from "../../native/libc.ts";
import { lockWithin, tryLock } from "../../native/lock.ts";
import { setSize } from "../../native/tree-files.ts";
import { syncData, touch } from "../../native/tree-writes.ts";
import { UnikrunError } from "../error.ts";
import { waitTelling } from "../progress.ts";
import { passed } from "../steps.ts";

/** Milliseconds that somebody else may take to make the image that we want. */
const PATIENCE = 600_000;

/**
 * The image of that key (hexadecimal), for reading; `write` makes it where it is not there.
 * When one was made, those that were not used for longest go, until the rest takes `limit` bytes.
 */
export function cachedImage(options: {
  store: string;
  key: string;
  limit: number;
  write: (fd: number) => void;
}): Descriptor {
  const folder = `${options.store}/images`;
  const image = `${folder}/${options.key}`;
  makeFolders(folder, 0o700);
  const there = openImage(image);
  if (there) return there;
  const draft = `${image}${DRAFT}`;
  using file = owned(openPath(draft, O_RDWR | O_CREAT, 0o600));
  const words = `Waiting for another container's start, which makes the disk image ${image}.`;
  if (!waitTelling(words, PATIENCE, (patience) => lockWithin(file.fd, patience))) {
    throw new UnikrunError(
      `The disk image ${draft} is being made by another process for more than ten minutes: see what it is doing (fuser ${draft}).`,
    );
  }
  // Whoever had the lock before us may have made it meanwhile.
  const made = openImage(image);
  if (made) return made;
  // Whoever waits for the lock has this very file open, so it is emptied, not removed, where it can't be made.
  using undo = new DisposableStack();
  undo.defer(() => setSize(file.fd, 0));
  setSize(file.fd, 0);
  options.write(file.fd);
  // After a loss of power a name must not stand for half an image.
  syncData(file.fd);
  undo.move();
  rename(draft, image);
  passed("image made");
  prune(folder, options.key, options.limit);
  return owned(openPath(image, O_RDONLY));
}

const DRAFT = ".new";

function openImage(path: string): Descriptor | null {
  try {
    const file = owned(openPath(path, O_RDONLY));
    touch(file.fd);
    passed("image found");
    return file;
  } catch (error) {
    if (errorCode(error) === "ENOENT") return null;
    throw error;
  }
}

/** A machine keeps what it has open. */
function prune(folder: string, kept: string, limit: number): void {
  const others = listFolder(folder)
    .filter((name) => name !== kept)
    .flatMap((name) => {
      const status = statusOrNull(`${folder}/${name}`);
      return status ? [{ path: `${folder}/${name}`, size: status.size, used: BigInt(status.modified) }] : [];
    })
    .sort((a, b) => Number(b.used - a.used));
  let total = statusOfFile(`${folder}/${kept}`).size;
  for (const { path, size } of others) {
    total += size;
    if (path.endsWith(DRAFT) ? isAbandoned(path) : total > limit) removeFile(path);
  }
}

function isAbandoned(draft: string): boolean {
  using file = owned(openPath(draft, O_RDWR));
  return tryLock(file.fd);
}
