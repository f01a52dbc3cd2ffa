/**
 * Templates: guests as they stood when they were ready, for others of their kind to go on from. In the store, a folder each, which is
 * root's alone: there is all of a guest's memory in it.
 */
import type { GuestPhase } from "../../../native/control.ts";
import {
  exists,
  listFolder,
  makeFolder,
  makeFolders,
  removeFile,
  removeFlatFolder,
  rename,
  statusOfFile,
  statusOrNull,
} from "../../../native/files.ts";
import { type Descriptor, errorCode, O_RDONLY, openPath, owned } from "../../../native/libc.ts";
import { tryLock } from "../../../native/lock.ts";
import { syncData, touch } from "../../../native/tree-writes.ts";
import { checkMachine, checkPhase, openWhole, readJson, writeWhole } from "../checkpoint/image.ts";
import type { MachineRecord } from "../record/machine.ts";
import { type Check, filled, list, object, text, whole } from "../spec/check.ts";

/** To be raised when templates become others. */
const VERSION = 1;

export interface Template {
  readonly version: typeof VERSION;
  /** The container that it was. */
  readonly container: string;
  readonly kernel: string;
  /** Its guest's name. */
  readonly hostname?: string;
  /** Addresses of IPv4 of those whose MAC addresses it knew, where it could say so. */
  readonly neighbours: readonly string[];
  readonly machine: MachineRecord;
  readonly phase: GuestPhase;
  /** Bytes of the files. */
  readonly sizes: { readonly state: number; readonly memory: number; readonly disks: readonly number[] };
}

/** Written last. */
export const TEMPLATE_FILE = "template.json";
export const STATE = "state";
export const MEMORY = "memory";
export const diskName = (disk: number): string => `disk-${disk}`;

/** Behind the name of one that is not whole yet. */
export const DRAFT = ".new";

/** Of what is known at create, and at start. */
export const isTemplateName = (name: string): boolean => /^[0-9a-f]{32}-[0-9a-f]{32}$/.test(name);

const checkTemplate: Check = object(
  {
    version: whole(VERSION, VERSION),
    container: filled,
    kernel: filled,
    neighbours: list(filled),
    machine: checkMachine,
    phase: checkPhase,
    sizes: object({ state: whole(1), memory: whole(1), disks: list(whole(0)) }),
  },
  { hostname: text },
);

const folderOf = (store: string): string => `${store}/warm`;
export const templateFolder = (store: string, name: string): string => `${folderOf(store)}/${name}`;

/** Whether there is one whose name begins so. */
export const hasTemplate = (store: string, beginning: string): boolean =>
  namesIn(store).some((name) => name.startsWith(beginning) && isTemplateName(name));

export interface OpenTemplate extends Disposable {
  readonly template: Template;
  readonly state: Descriptor;
  readonly memory: Descriptor;
  readonly disks: readonly Descriptor[];
}

/** Throws an Error for what is none of ours. */
export function readTemplate(folder: string): Template {
  const document = readJson(folder, TEMPLATE_FILE);
  checkTemplate(document, TEMPLATE_FILE);
  return document as Template;
}

/** Null where there is none. Throws an Error for one that is damaged. */
export function openTemplate(store: string, name: string): OpenTemplate | null {
  const folder = templateFolder(store, name);
  if (!exists(folder)) return null;
  const template = readTemplate(folder);
  const { sizes, machine } = template;
  using opened = new DisposableStack();
  const open = (file: string, size: number | undefined) => opened.use(openWhole(folder, file, size));
  const parts = {
    state: open(STATE, sizes.state),
    memory: open(MEMORY, sizes.memory),
    disks: machine.disks.map((_, disk) => open(diskName(disk), sizes.disks[disk])),
  };
  using file = owned(openPath(`${folder}/${TEMPLATE_FILE}`, O_RDONLY));
  touch(file.fd);
  const all = opened.move();
  return { template, ...parts, [Symbol.dispose]: () => all.dispose() };
}

/** One that is being made, by nobody else. When it is disposed of before it is finished, nothing is left of it. */
export interface Draft extends Disposable {
  readonly folder: string;
  finish(template: Omit<Template, "version">): void;
}

/** Null where there is such a template already, or somebody else makes it. */
export function draftTemplate(store: string, name: string): Draft | null {
  const place = templateFolder(store, name);
  const folder = `${place}${DRAFT}`;
  makeFolders(folderOf(store), 0o700);
  if (exists(place)) return null;
  try {
    makeFolder(folder, 0o700);
  } catch (error) {
    if (errorCode(error) !== "EEXIST") throw error;
  }
  using opened = new DisposableStack();
  const lock = opened.use(owned(openPath(folder, O_RDONLY)));
  // Whoever had it may have finished meanwhile: then it is another folder, or none.
  if (!tryLock(lock.fd) || statusOrNull(folder)?.inode !== statusOfFile(lock.fd).inode) return null;
  for (const file of listFolder(folder)) removeFile(`${folder}/${file}`);
  let isFinished = false;
  opened.defer(() => {
    if (!isFinished) removeFlatFolder(folder);
  });
  const all = opened.move();
  return {
    folder,
    finish(template) {
      writeWhole(`${folder}/${TEMPLATE_FILE}`, JSON.stringify({ version: VERSION, ...template }));
      syncData(lock.fd);
      rename(folder, place);
      isFinished = true;
    },
    [Symbol.dispose]: () => all.dispose(),
  };
}

/** Nobody who goes on from it needs it any more. */
export function removeTemplate(store: string, name: string): void {
  const folder = templateFolder(store, name);
  // Without it the rest is no template.
  if (exists(`${folder}/${TEMPLATE_FILE}`)) removeFile(`${folder}/${TEMPLATE_FILE}`);
  removeFlatFolder(folder);
}

/** Also those that are being made, and whatever else is there. */
export function namesIn(store: string): string[] {
  try {
    return listFolder(folderOf(store));
  } catch {
    return []; // Nobody has kept one yet.
  }
}
