/** All templates of a store, and which of them stay. */
import { listFolder, statusOrNull } from "../../../native/files.ts";
import { O_RDONLY, openPath, owned } from "../../../native/libc.ts";
import { FileStatus } from "../../../native/tree-files.ts";
import {
  DRAFT,
  draftTemplate,
  isTemplateName,
  namesIn,
  readTemplate,
  removeTemplate,
  TEMPLATE_FILE,
  type Template,
  templateFolder,
} from "./templates.ts";

export interface TemplateEntry {
  readonly name: string;
  /** Bytes that it takes. */
  readonly bytes: number;
  /** When a guest last went on from it, or it was made; milliseconds after 1970. */
  readonly used: number;
  /** Null for a damaged one. */
  readonly template: Pick<Template, "container" | "kernel"> | null;
}

/** Those that were used last come first. */
export function listTemplates(store: string): TemplateEntry[] {
  return namesIn(store)
    .filter(isTemplateName)
    .map((name) => {
      const folder = templateFolder(store, name);
      const changed = statusOrNull(`${folder}/${TEMPLATE_FILE}`)?.modified ?? "0";
      return {
        name,
        bytes: bytesIn(folder),
        used: Number(BigInt(changed) / 1_000_000n),
        template: templateIn(folder),
      };
    })
    .sort((a, b) => b.used - a.used);
}

/** Milliseconds: what nobody used for so long is of a kind that there is no more, as after an update of QEMU. */
const LONGEST_UNUSED = 30 * 24 * 3600 * 1000;

/** Removes those that were not used for longest, until the rest takes `limit` bytes, and what was left of drafts. */
export function pruneTemplates(store: string, limit: number): void {
  let total = 0;
  for (const { name, bytes, used } of listTemplates(store)) {
    total += bytes;
    if (total > limit || used < Date.now() - LONGEST_UNUSED) removeTemplate(store, name);
  }
  for (const name of namesIn(store).filter((each) => each.endsWith(DRAFT)))
    draftTemplate(store, name.slice(0, -DRAFT.length))?.[Symbol.dispose]();
}

function templateIn(folder: string): Template | null {
  try {
    return readTemplate(folder);
  } catch {
    return null;
  }
}

function bytesIn(folder: string): number {
  let total = 0;
  try {
    for (const name of listFolder(folder)) {
      using file = owned(openPath(`${folder}/${name}`, O_RDONLY));
      total += new FileStatus().readOpen(file.fd).allocated;
    }
  } catch {
    // It is just being removed.
  }
  return total;
}
