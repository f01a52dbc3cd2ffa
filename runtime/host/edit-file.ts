/** Configuration files of others, read and replaced with care. */
import { isUtf8 } from "node:buffer";
import { chmodSync, chownSync, closeSync, fsyncSync, openSync, readFileSync, rmSync } from "node:fs";
import {
  exists,
  makeFolders,
  realPath,
  rename,
  statusOfFile,
  statusOrNull,
  writeText,
} from "../../native/files.ts";
import { parentOf } from "../../native/paths.ts";
import { reasonOf, UnikrunError } from "../error.ts";

/** A file below `root`, a folder in place of "/" ("" for the host itself). */
export interface Place {
  readonly root: string;
  /** Absolute, as its engine would say it. */
  readonly file: string;
}

/** As errors and reports name it. */
export const nameOf = ({ root, file }: Place): string => root + file;

export const backupOf = ({ root, file }: Place): Place => ({ root, file: `${file}.before-unikrun` });

/** Null where there is no such file. Throws UnikrunError where it can't be read as a text. */
export function readConfig(place: Place): string | null {
  const path = pathOf(place);
  if (!exists(path)) return null;
  const data = read(place, path);
  if (isUtf8(data)) return data.toString();
  throw new UnikrunError(`${nameOf(place)} is not a text in UTF-8: see what it is; nothing was changed.`);
}

function read(place: Place, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new UnikrunError(`${nameOf(place)} can't be read (${reasonOf(cause)}): run this as root.`, {
      cause,
    });
  }
}

/** Replaces or makes the file in one step: a reader sees the old one or the new one. It keeps its mode and owner. */
export function writeConfig(place: Place, text: string): void {
  const path = pathOf(place);
  const draft = `${path}.${process.pid}.unikrun`;
  try {
    makeFolders(parentOf(path));
    const like = statusOrNull(path);
    writeText(draft, text, 0o600);
    if (like) chownSync(draft, like.uid, like.gid);
    chmodSync(draft, like?.mode ?? 0o644);
    flush(draft);
    rename(draft, path);
    flush(parentOf(path));
  } catch (cause) {
    rmSync(draft, { force: true });
    throw new UnikrunError(
      `${nameOf(place)} can't be written (${reasonOf(cause)}): run this as root, on a file system that is not read-only.`,
      { cause },
    );
  }
}

export function removeConfig(place: Place): void {
  try {
    rmSync(pathOf(place), { force: true });
  } catch (cause) {
    throw new UnikrunError(`${nameOf(place)} can't be removed (${reasonOf(cause)}): run this as root.`, {
      cause,
    });
  }
}

/** Keeps a copy, with the file's own mode and owner. */
export function keepBackup(place: Place, text: string): void {
  const { mode, uid, gid } = statusOfFile(pathOf(place));
  const backup = backupOf(place);
  writeConfig(backup, text);
  try {
    chownSync(pathOf(backup), uid, gid);
    chmodSync(pathOf(backup), mode);
  } catch (cause) {
    throw new UnikrunError(
      `${nameOf(backup)} can't be given its owner (${reasonOf(cause)}): run this as root.`,
      { cause },
    );
  }
}

/** Where the file is, or will be: what a link stands for is replaced, and not the link. */
function pathOf(place: Place): string {
  const { root } = place;
  const path = nameOf(place);
  let there = path;
  while (!exists(there)) there = parentOf(there);
  const real = realPath(there);
  const inside = root === "" ? "" : realPath(root);
  if (real !== inside && !real.startsWith(`${inside}/`))
    throw new UnikrunError(
      `${there} is a link that leads out of ${root}, to ${real}: write it there by hand; nothing was changed.`,
    );
  return there === path ? real : path;
}

/** Without it, a crash of the host could leave an empty file under the right name. */
function flush(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
