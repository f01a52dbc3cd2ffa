/**
 * Makes build/words.h of native/init/words.json: what is agreed on as constants, and each word as an `enum word`, with the plans that it
 * may stand in; and each event of `unikrun trace`. The runtime reads the same file (native/directives.ts), so a word that only one side knows does not compile.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { agreed, events, plans } from "../native/init/words.json";

const upper = (name: string): string => name.toUpperCase().replaceAll("-", "_");

const plansOf = new Map<string, string[]>();
for (const [plan, words] of Object.entries(plans))
  for (const word of Object.keys(words))
    plansOf.set(word, [...(plansOf.get(word) ?? []), `PLAN_${upper(plan)}`]);
// init finds a word by halves.
const words = [...plansOf.keys()].sort();

const folder = resolve(import.meta.dirname, "../build");
mkdirSync(folder, { recursive: true });
writeFileSync(
  `${folder}/words.h`,
  [
    "/* Made by scripts/words-header.ts of native/init/words.json. */",
    "#ifndef UNIKRUN_WORDS_H",
    "#define UNIKRUN_WORDS_H",
    ...Object.entries(agreed).map(([name, value]) => `#define ${name} ${JSON.stringify(value)}`),
    `enum { ${Object.keys(plans).map((plan, at) => `PLAN_${upper(plan)} = ${1 << at}`)} };`,
    `enum word { ${words.map((word) => `WORD_${upper(word)}`)}, WORDS };`,
    `#define WORD_TABLE ${words.map((word) => `{ "${word}", ${plansOf.get(word)?.join(" | ")} }`)}`,
    `enum event { ${Object.keys(events).map((event) => `EVENT_${upper(event)}`)}, EVENTS };`,
    `#define EVENT_NAMES ${Object.keys(events).map((event) => JSON.stringify(event))}`,
    "#endif",
    "",
  ].join("\n"),
);
