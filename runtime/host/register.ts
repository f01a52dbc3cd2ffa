/** Registering this runtime with engines, and taking it out again: all is planned before anything is written. */
import { UnikrunError } from "../error.ts";
import type { Entry, Registration } from "./config-format.ts";
import { isCriDisabled } from "./containerd-config.ts";
import { diff } from "./diff.ts";
import { backupOf, keepBackup, readConfig, removeConfig, writeConfig } from "./edit-file.ts";
import { type Engine, type EngineName, isThisRuntime, runtimesFlagFile } from "./engines.ts";

/** What is to become of one engine's file; equal texts are no change. */
export interface Change {
  readonly engine: EngineName;
  readonly file: string;
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
  readonly file: string;
  readonly text: string;
  readonly entry: Entry;
}

/** `root` is a folder in place of "/", "" for the host itself. Throws UnikrunError where somebody else has the name. */
export function planInstall(root: string, engine: Engine, wanted: Registration): Change {
  const { name, binary } = wanted;
  const found = find(root, engine, name);
  const [first = ""] = engine.files;
  const before = readConfig({ root, file: found?.file ?? first });
  const same = {
    engine: engine.name,
    file: found?.file ?? first,
    before,
    after: before,
    backup: "none",
  } as const;
  const warning = before !== null && engine.name === "containerd" ? warningOf(before, first) : {};
  if (found && found.entry.binary === binary)
    return { ...same, words: `${found.file} has ${name} already (${binary}).`, ...warning };
  if (found)
    throw new UnikrunError(
      `${found.file} has a runtime ${name} already (${found.entry.binary ?? "without a program of its own"}): take it out first, or choose another name by --name.`,
    );
  const flags = engine.name === "docker" ? runtimesFlagFile(root) : null;
  if (flags !== null)
    throw new UnikrunError(
      `dockerd is started with --add-runtime (${flags}), and would not start with runtimes in ${first} besides: add --add-runtime ${name}=${binary} there.`,
    );
  const after = engine.format.add(before, first, wanted);
  const isFirst =
    before !== null &&
    !engine.format.list(before, first).some((entry) => entry.isOurs ?? isThisRuntime(entry));
  return {
    ...same,
    after,
    backup: isFirst ? "keep" : "none",
    words: `${first} has ${name} now (${binary}).`,
    ...warning,
  };
}

/** Throws UnikrunError where the name stands for something else than `wanted.binary`, and nothing says that it is ours. */
export function planUninstall(root: string, engine: Engine, { name, binary }: Registration): Change {
  const found = find(root, engine, name);
  const [first = ""] = engine.files;
  if (!found) {
    const before = readConfig({ root, file: first });
    const words = `${first} has no ${name}.`;
    return { engine: engine.name, file: first, before, after: before, backup: "none", words };
  }
  const { file, text, entry } = found;
  if (!isOurs(entry, binary))
    throw new UnikrunError(
      `${file} has a runtime ${name} that unikrun install did not put there (${entry.binary ?? "without a program of its own"}): take it out by hand${entry.isOurs === null && entry.binary ? `, or say --binary ${entry.binary} if it is unikrun` : ""}.`,
    );
  const original = readConfig(backupOf({ root, file }));
  const change = { engine: engine.name, file, before: text } as const;
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
      : {
          warning: `It was changed since it got ${name}, so ${backupOf({ root, file }).file} was left where it is.`,
        }),
  };
}

/** Null where nothing would change. */
export const diffOf = ({ file, before, after }: Change): string => diff(file, before, after);

export function carryOut(root: string, { file, before, after, backup }: Change): void {
  const place = { root, file };
  if (before === after) return;
  if (backup === "keep" && before !== null) keepBackup(place, before);
  if (after === null) removeConfig(place);
  else writeConfig(place, after);
  if (backup === "remove") removeConfig(backupOf(place));
}

function find(root: string, { files, format }: Engine, name: string): Found | undefined {
  for (const file of files) {
    const text = readConfig({ root, file });
    if (text === null) continue;
    const entry = format.list(text, file).find((each) => each.name === name);
    if (entry) return { file, text, entry };
  }
  return undefined;
}

/** A format without marks leaves only the program to go by. */
const isOurs = (entry: Entry, binary: string): boolean => entry.isOurs ?? entry.binary === binary;

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
