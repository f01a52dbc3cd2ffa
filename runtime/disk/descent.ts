import { type Descriptor, duplicate, owned } from "../../native/libc.ts";
import { AS_FOLDER, openBelow } from "../../native/tree-files.ts";
import { UnikrunError } from "../error.ts";

/** A path of this many bytes is deeper than anybody's files; hostile ones can be made at will. */
const MOST_BYTES = 65_536;
/** Folders between those that are kept open: a process may have 1,024 files. */
const STEP = 128;

/**
 * Opens folders below a root, one after another, each from the nearest above it that is open still: with thousands of folders in one
 * another, to begin at the root each time takes seconds. No link is followed, and nothing leads out.
 */
export class Descent implements Disposable {
  readonly #root: number;
  /** Each is below the one before it; paths end with "/". */
  readonly #open: { readonly path: string; readonly folder: Descriptor }[] = [];

  constructor(root: number) {
    this.#root = root;
  }

  /** `path` begins with "/", or is "". Throws an Error with `code`, and a UnikrunError for one that is too deep. */
  open(path: string): Descriptor {
    if (path.length > MOST_BYTES)
      throw new UnikrunError(
        `The folder ${path.slice(0, 60)}… is ${path.split("/").length} folders deep, with a path of ${path.length} characters, and ${MOST_BYTES} are the most that disks are made of: move it up.`,
      );
    this.#leave(path);
    const nearest = this.#open.at(-1);
    const rest = path.slice(nearest?.path.length ?? 0);
    using opened = new DisposableStack();
    const folder = opened.use(openBelow(nearest?.folder.fd ?? this.#root, rest, AS_FOLDER));
    if (rest.split("/").length > STEP)
      this.#open.push({ path: `${path}/`, folder: owned(duplicate(folder.fd)) });
    opened.move();
    return folder;
  }

  #leave(path: string): void {
    for (let last = this.#open.at(-1); last && !path.startsWith(last.path); last = this.#open.at(-1)) {
      last.folder[Symbol.dispose]();
      this.#open.pop();
    }
  }

  [Symbol.dispose](): void {
    for (const { folder } of this.#open) folder[Symbol.dispose]();
  }
}
