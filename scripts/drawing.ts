/** Makes docs/machine.svg of docs/machine.dot, by Graphviz: `npm run drawing`. */
import { readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { instance } from "@viz-js/viz";

const docs = resolve(import.meta.dirname, "../docs");

/** The drawing as it is to be, whatever the folder has. */
export const drawing = async (): Promise<string> =>
  (await instance()).renderString(readFileSync(`${docs}/machine.dot`, "utf8"), { format: "svg" });

if (import.meta.main) writeFileSync(`${docs}/machine.svg`, await drawing());
