import { existsSync, readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import test from "ava";

const examples = resolve(import.meta.dirname, "../../examples");
const read = (path: string): string => readFileSync(`${examples}/${path}`, "utf8");
const folders = (path: string): string[] =>
  readdirSync(`${examples}/${path}`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

/** The tests' own guest has no README; hello is one README for all its folders. */
const apart = ["probe", "hello"];

/** The cells of the rows of the one table of `text` whose heading begins with `first`. */
function table(text: string, first: string): string[][] {
  const rows =
    text
      .slice(text.indexOf(`| ${first}`))
      .split("\n\n")[0]
      ?.split("\n") ?? [];
  return rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** NAME=VALUE of the ARGs of a Dockerfile, of which each has a default. */
const pinned = (dockerfile: string): string[] =>
  [...dockerfile.matchAll(/^ARG (.*)$/gm)].map(([, argument]) => argument ?? "");

test("the list of examples names every folder once", (t) => {
  const named = [...read("README.md").matchAll(/\]\(([a-z]+)\)/g)].map(([, name]) => name);
  t.deepEqual(named.sort(), folders("").sort());
});

for (const name of folders("").filter((each) => !apart.includes(each)))
  test(`${name}'s README has a table of what was tried, with program, version, size, memory and time`, (t) => {
    const [heading = [], , ...rows] = table(read(`${name}/README.md`), "program");
    t.is(
      heading.join("|").replace(" of all three", ""),
      "program|version|image|memory limit|first answer, emulated|QEMU",
    );
    t.true(rows.length > 0);
    for (const row of rows) {
      t.is(row.length, heading.length);
      t.false(row.includes(""), row.join("|"));
    }
  });

test("hello has a row for each of its folders, with the versions that its Dockerfile asks for", (t) => {
  const [, , ...rows] = table(read("hello/README.md"), "family");
  t.deepEqual(rows.map(([cell]) => /\]\((\w+)\)/.exec(cell ?? "")?.[1]).sort(), folders("hello").sort());
  for (const row of rows) {
    const folder = /\]\((\w+)\)/.exec(row[0] ?? "")?.[1] ?? "";
    t.true(existsSync(`${examples}/hello/${folder}/Dockerfile`), folder);
    const versions = pinned(read(`hello/${folder}/Dockerfile`));
    t.true(versions.length > 0, folder);
    for (const version of versions) t.true(row[1]?.includes(`\`${version}\``), `${folder}: ${version}`);
  }
});

test("an image of an example is FROM scratch, and begins with what a build stage or its folder has", (t) => {
  const all = [...folders(""), ...folders("hello").map((name) => `hello/${name}`)];
  for (const name of all.filter((each) => existsSync(`${examples}/${each}/Dockerfile`))) {
    const lines = read(`${name}/Dockerfile`).split("\n");
    t.is(
      lines.findLast((line) => line.startsWith("FROM ")),
      "FROM scratch",
      name,
    );
    for (const [, stage] of read(`${name}/Dockerfile`).matchAll(/--from=(\w+)/g))
      t.true(
        lines.some((line) => line.endsWith(` AS ${stage}`)),
        `${name}: ${stage}`,
      );
  }
});
