/** docs/troubleshooting.md: what a row says that one sees is what a test has seen. */
import { readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { ExecutionContext } from "ava";

const repository = resolve(import.meta.dirname, "..");
const document = readFileSync(`${repository}/docs/troubleshooting.md`, "utf8");
export const rows = document
  .split("\n")
  .filter((line) => line.startsWith("| ") && !/^\| (what|---)/.test(line));
const proven = new Set<string>();

const rowOf = (words: string): string | undefined =>
  rows.find((each) => each.split(" | ")[0]?.includes(words));

/** What is seen has the words that begin a row, by which it is found; "…" in them is anything, and case is an engine's own. */
export function isRow(t: ExecutionContext, words: string, seen: string): void {
  const row = rowOf(words);
  t.not(row, undefined, `no row begins with ${words}`);
  if (row !== undefined) proven.add(row);
  const pattern = words.replace(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll("…", ".*");
  t.regex(seen, new RegExp(pattern, "i"));
}

/** Rows that neither these tests have seen nor others look for, which run elsewhere. */
export function unseen(folders: readonly string[]): string[] {
  const others = folders.flatMap((folder) =>
    readdirSync(`${repository}/test/${folder}`)
      .filter((name) => name.endsWith(".test.ts"))
      .flatMap((name) => wordsIn(readFileSync(`${repository}/test/${folder}/${name}`, "utf8"))),
  );
  const elsewhere = new Set(others.map(rowOf));
  return rows.filter((row) => !proven.has(row) && !elsewhere.has(row));
}

const wordsIn = (source: string): string[] =>
  [...source.matchAll(/\bisRow\(\s*t,\s*"([^"]*)"/g)].map(([, words = ""]) => words);
