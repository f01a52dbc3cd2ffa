/** Prints whose work the program is, with the license of each: our own, and what `npm ci` and the compiler put into it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { author, devDependencies, license, version } from "../package.json";
import { packages } from "../package-lock.json";

const repository = resolve(import.meta.dirname, "..");

interface Locked {
  readonly version?: string;
  readonly license?: string;
  readonly dev?: boolean;
}

const MUSL = "/usr/share/doc/musl-dev/copyright";

const heading = (words: string): string => `\n${"-".repeat(72)}\n${words}\n${"-".repeat(72)}\n`;

function licenseOf(folder: string): string {
  const [file] = readdirSync(folder).filter((name) => /^licen[cs]e/i.test(name));
  if (file === undefined) throw new Error(`${folder} has no license, so nothing can be made of it`);
  return readFileSync(`${folder}/${file}`, "utf8").trim();
}

const parts = Object.entries(packages as Readonly<Record<string, Locked>>).filter(
  ([path, { dev }]) => path !== "" && !dev,
);

console.log(`unikrun ${version}
Copyright ${author}
License: ${license}, whose text is in the file LICENSE beside this one (on Debian in
/usr/share/common-licenses/${license} too).

The program /usr/bin/unikrun is one file of what follows, too, each part under its own license.
${heading(`Bun ${devDependencies.bun}`)}
Copyright Oven. License: MIT. It holds JavaScriptCore, of WebKit (LGPL-2), and other libraries, which
https://bun.com/docs/project/license lists; its sources, and how to link it anew, are at
https://github.com/oven-sh/bun/tree/bun-v${devDependencies.bun}`);
for (const [path, locked] of parts) {
  const name = path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);
  console.log(heading(`${name} ${locked.version}, License: ${locked.license}`));
  console.log(licenseOf(`${repository}/${path}`));
}
// Where init was linked with it (scripts/build).
if (existsSync(MUSL)) {
  console.log(heading("musl, in the container's init"));
  console.log(readFileSync(MUSL, "utf8").trim());
}
