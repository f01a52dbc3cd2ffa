import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import test from "ava";
import { FAMILIES, FAMILY_NAMES } from "../../runtime/guest/detect.ts";
import { featureTable } from "../../runtime/guest/features.ts";

const read = (path: string): string => readFileSync(resolve(import.meta.dirname, "../..", path), "utf8");

test("docs/guests.md has the table that the families make", (t) => {
  const table = featureTable(FAMILIES);
  t.true(read("docs/guests.md").includes(table), table);
});

test("the cards in that table are those that a family can drive", (t) => {
  const words: Readonly<Record<number, string>> = { 1: "one", 8: "eight" };
  for (const { name, features, limits } of FAMILIES)
    if (!features.cards.includes("declares")) t.is(features.cards, words[limits.nics] ?? "", name);
});

test("the settings know the families by their names", (t) => {
  const { definitions } = JSON.parse(read("config.schema.json"));
  t.deepEqual([...definitions.family.enum].sort(), [...FAMILY_NAMES].sort());
});
