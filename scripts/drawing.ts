/** Makes docs/machine.svg of docs/machine.dot, by Graphviz: `npm run drawing`. */
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { instance } from "@viz-js/viz";

const docs = resolve(import.meta.dirname, "../docs");

/** The drawing as it is to be, whatever the folder has. Graphviz gives its parts a title, but not the whole, which is read aloud. */
export async function drawing(): Promise<string> {
  const svg = (await instance()).renderString(readFileSync(`${docs}/machine.dot`, "utf8"), { format: "svg" });
  return svg.replace(/<svg[^>]*>/, (tag) => `${tag}\n<title>How a container becomes a machine</title>`);
}

if (import.meta.main) writeFileSync(`${docs}/machine.svg`, await drawing());
