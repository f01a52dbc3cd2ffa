/** Registering this runtime with engines, and taking it out again: all is planned before anything is written. */
import { UnikrunError } from "../error.ts";
import type { Entry, Registration } from "./config-format.ts";
import { isCriDisabled } from "./containerd-config.ts";
import { diff } from "./diff.ts";
import {
  backupOf,
  keepBackup,
  nameOf,
  type Place,
  readConfig,
  removeConfig,
  writeConfig,
} from "./edit-file.ts";
import { type Engine, type EngineName, isThisRuntime, runtimesFlagFile } from "./engines.ts";

/** What is to become of one engine's file; equal texts are no change. */
export interface Change {
  readonly engine: EngineName;
  readonly place: Place;
  /** Null is no file. */
  readonly before: string | null;
  readonly after: string | null;
  readonly backup: "keep" | "none" | "remove";
  /** A whole sentence of what was found or done. */
  readonly words: string;
  /** What a user should know besides; a whole sentence. */
  readonly warning?: string;
}

interface Found {
  readonly place: Place;
  readonly text: string;
  readonly entry: Entry;
}

/**
 * `root` is a folder in place of "/", "" for the host itself. An entry of unikrun's that names another program is led to this one.
 * Throws UnikrunError where somebody else has the name.
 */
export function planInstall(root: string, engine: Engine, wanted: Registration): Change {
  const { name, binary } = wanted;
  const found = find(root, engine, name);
  const first = firstPlace(root, engine);
  const place = found?.place ?? first;
  const before = readConfig(place);
  const same = { engine: engine.name, place, before, after: before, backup: "none" } as const;
  const warning = before !== null && engine.name === "containerd" ? warningOf(before, nameOf(first)) : {};
  if (found && found.entry.binary === binary)
    return { ...same, words: `${nameOf(place)} has ${name} already (${binary}).`, ...warning };
  if (found) {
    const words = `${nameOf(place)} has ${name} now (${binary}, in place of ${found.entry.binary}).`;
    return { ...same, after: ledTo(engine, found, wanted), words, ...warning };
  }
  const flags = engine.name === "docker" ? runtimesFlagFile(root) : null;
  if (flags !== null)
    throw new UnikrunError(
      `dockerd is started with --add-runtime (${root}${flags}), and would not start with runtimes in ${nameOf(first)} besides: add --add-runtime ${name}=${binary} there.`,
    );
  const after = engine.format.add(before, nameOf(first), wanted);
  const isFirst =
    before !== null &&
    !engine.format.list(before, nameOf(first)).some((entry) => entry.isOurs ?? isThisRuntime(entry));
  return {
    ...same,
    after,
    backup: isFirst ? "keep" : "none",
    words: `${nameOf(first)} has ${name} now (${binary}).`,
    ...warning,
  };
}

/** The text in which our own entry names this program. */
function ledTo({ format }: Engine, { place, text, entry }: Found, wanted: Registration): string {
  const { name, binary } = wanted;
  const file = nameOf(place);
  if (!isOurs(entry, binary))
    throw new UnikrunError(
      `${file} has a runtime ${name} already (${entry.binary ?? "without a program of its own"}): take it out first, or choose another name by --name.`,
    );
  const from = entry.binary ?? "";
  const after = format.lead(text, file, { name, binary, from });
  if (format.list(after, file).some((each) => each.name === name && each.binary === binary)) return after;
  throw new UnikrunError(
    `${file} names the program of ${name} in a way that can't be changed (${entry.binary ?? "not at all"}): write ${binary} there by hand; nothing was changed.`,
  );
}

/** Throws UnikrunError where the name stands for something else than unikrun. */
export function planUninstall(root: string, engine: Engine, { name, binary }: Registration): Change {
  const found = find(root, engine, name);
  if (!found) {
    const place = firstPlace(root, engine);
    const before = readConfig(place);
    const words = `${nameOf(place)} has no ${name}.`;
    return { engine: engine.name, place, before, after: before, backup: "none", words };
  }
  const { place, text, entry } = found;
  const file = nameOf(place);
  if (!isOurs(entry, binary))
    throw new UnikrunError(
      `${file} has a runtime ${name} that unikrun install did not put there (${entry.binary ?? "without a program of its own"}): take it out by hand${entry.isOurs === null && entry.binary ? `, or say --binary ${entry.binary} if it is unikrun` : ""}.`,
    );
  const backup = backupOf(place);
  const original = readConfig(backup);
  const change = { engine: engine.name, place, before: text } as const;
  const registration = { name, binary: entry.binary ?? binary };
  if (original !== null && isWhatInstallMade(engine, { original, text, file, registration }))
    return { ...change, after: original, backup: "remove", words: `${file} is what it was before ${name}.` };
  const after = engine.format.remove(text, file, name, original);
  if (original === null && engine.format.isEmpty(after))
    return { ...change, after: null, backup: "none", words: `${file} had nothing but ${name}, and is gone.` };
  return {
    ...change,
    after,
    backup: "none",
    words: `${file} has no ${name} any more.`,
    ...(original === null
      ? {}
      : { warning: `It was changed since it got ${name}, so ${nameOf(backup)} was left where it is.` }),
  };
}

/** Null where nothing would change. */
export const diffOf = ({ place, before, after }: Change): string => diff(nameOf(place), before, after);

export function carryOut({ place, before, after, backup }: Change): void {
  if (before === after) return;
  if (backup === "keep" && before !== null) keepBackup(place, before);
  if (after === null) removeConfig(place);
  else writeConfig(place, after);
  if (backup === "remove") removeConfig(backupOf(place));
}

const firstPlace = (root: string, { files: [file = ""] }: Engine): Place => ({ root, file });

function find(root: string, { files, format }: Engine, name: string): Found | undefined {
  for (const file of files) {
    const place = { root, file };
    const text = readConfig(place);
    if (text === null) continue;
    const entry = format.list(text, nameOf(place)).find((each) => each.name === name);
    if (entry) return { place, text, entry };
  }
  return undefined;
}

/** A format without marks leaves only the program to go by: this one, or one that is called unikrun, too. */
const isOurs = (entry: Entry, binary: string): boolean =>
  entry.isOurs ?? (entry.binary === binary || isThisRuntime(entry));

function isWhatInstallMade(
  { format }: Engine,
  made: { original: string; text: string; file: string; registration: Registration },
): boolean {
  try {
    return format.add(made.original, made.file, made.registration) === made.text;
  } catch {
    // Not even that can be told of an original that is not valid.
    return false;
  }
}

function warningOf(text: string, file: string): { warning?: string } {
  if (!isCriDisabled(text, file)) return {};
  return {
    warning: `${file} has the CRI plugin in disabled_plugins, so Kubernetes can't use this containerd at all: take it out there if it should.`,
  };
}
