/** The containers' records below --root: a folder each. */
import {
  exists,
  listFolder,
  makeFolder,
  makeFolders,
  removeFlatFolder,
  rename,
  writeText,
} from "../../../native/files.ts";
import { errorCode } from "../../../native/libc.ts";
import { readSmallText } from "../../../native/regular-file.ts";
import { UnikrunError } from "../../error.ts";
import { type Container, containerFolder, VERSION } from "./container.ts";
import { checkId, isId } from "./id.ts";

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

/** Null where no container of ours has that id. Throws UnikrunError for a record that can't be read. */
export function readContainer(root: string, id: string): Container | null {
  const record = readRecord(root, id);
  if (record === DAMAGED) throw new UnikrunError(damageOf(root, id));
  return record;
}

/** A container of ours whose record can't be read. */
export const DAMAGED = Symbol("damaged");

function damageOf(root: string, id: string): string {
  const folder = containerFolder(root, id);
  const version = versionIn(folder);
  return version > VERSION
    ? `Container ${id} was created by a newer unikrun (its record in ${folder} has version ${version}, and this one knows ${VERSION}): use that one for it, or remove it with delete --force ${id}.`
    : `The record of container ${id} in ${folder} can't be read: remove it with delete --force ${id}.`;
}

/** 0 where there is none to be read. */
function versionIn(folder: string): number {
  try {
    const { version } = Object(parseRecord(folder));
    return Number.isSafeInteger(version) ? version : 0;
  } catch {
    return 0;
  }
}

const parseRecord = (folder: string): unknown => JSON.parse(readSmallText(`${folder}/${FILE}`, LONGEST));

/** Null where no container of ours has that id. */
export function readRecord(root: string, id: string): Container | null | typeof DAMAGED {
  checkId(id);
  try {
    const record = parseRecord(containerFolder(root, id));
    return isRecordOf(id, record) ? record : DAMAGED;
  } catch (error) {
    return ["ENOENT", "ENOTDIR"].includes(errorCode(error)) ? null : DAMAGED;
  }
}

/** Bytes: more than any config.json makes. */
const LONGEST = 1 << 25;

/** What only we write is whole, or it is not ours. */
function isRecordOf(id: string, record: unknown): record is Container {
  if (typeof record !== "object" || record === null) return false;
  const { version, id: own, cgroup, guest } = record as Partial<Container>;
  return version === VERSION && own === id && typeof cgroup === "object" && typeof guest === "object";
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

/** `damaged`: a sentence for each whose record can't be read. */
export function listContainers(root: string): {
  containers: readonly Container[];
  damaged: readonly string[];
} {
  const containers: Container[] = [];
  const damaged: string[] = [];
  for (const id of namesIn(root).filter(isId)) {
    const record = readRecord(root, id);
    if (record === DAMAGED) damaged.push(damageOf(root, id));
    else if (record) containers.push(record);
  }
  return { containers, damaged };
}

function namesIn(root: string): string[] {
  try {
    return listFolder(root);
  } catch {
    return [];
  }
}
