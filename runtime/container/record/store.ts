/** The containers' records below --root: a folder each. */
import {
  exists,
  listFolder,
  makeFolder,
  makeFolders,
  readText,
  removeFlatFolder,
  rename,
  writeText,
} from "../../../native/files.ts";
import { errorCode } from "../../../native/libc.ts";
import { UnikrunError } from "../../error.ts";
import { type Container, containerFolder } from "./container.ts";
import { checkId } from "./id.ts";

const FILE = "unikrun.json";

/** Makes the folder that reserves an id. */
export function reserve(root: string, id: string): void {
  checkId(id);
  try {
    makeFolders(root, 0o711);
    makeFolder(containerFolder(root, id), 0o700);
  } catch (cause) {
    if (errorCode(cause) !== "EEXIST") throw cause;
    throw new UnikrunError(`A container with the id ${id} exists already: delete it, or choose another id.`, {
      cause,
    });
  }
}

export function writeContainer(root: string, container: Container): void {
  const file = `${containerFolder(root, container.id)}/${FILE}`;
  writeText(`${file}.new`, JSON.stringify(container));
  rename(`${file}.new`, file);
}

/** Null where no container of ours has that id. */
export function readContainer(root: string, id: string): Container | null {
  checkId(id);
  try {
    return JSON.parse(readText(`${containerFolder(root, id)}/${FILE}`)) as Container;
  } catch (cause) {
    if (errorCode(cause) === "ENOENT" || errorCode(cause) === "ENOTDIR") return null;
    throw new UnikrunError(
      `The record of container ${id} in ${containerFolder(root, id)} can't be read: remove it with delete --force.`,
      { cause },
    );
  }
}

/** Whether something, perhaps half of it, holds the id. */
export const isReserved = (root: string, id: string): boolean => exists(containerFolder(root, id));

/** Removes what a create that was killed left before it had a record; false where that is not what holds the id. */
export function forgetFragment(root: string, id: string): boolean {
  checkId(id);
  const folder = containerFolder(root, id);
  try {
    if (listFolder(folder).some((name) => name !== `${FILE}.new`)) return false;
  } catch {
    return false;
  }
  forget(root, id);
  return true;
}

export function forget(root: string, id: string): void {
  removeFlatFolder(containerFolder(root, id));
}

export function listContainers(root: string): Container[] {
  let names: string[];
  try {
    names = listFolder(root);
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    const container = /^[\w+.-]+$/.test(name) ? readContainer(root, name) : null;
    return container ? [container] : [];
  });
}
