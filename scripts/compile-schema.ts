/** Compiles config.schema.json ahead of time into build/settings-check.js: loading ajv would cost 40 ms. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import Ajv from "ajv";
import standaloneCode from "ajv/dist/standalone";

const repository = resolve(import.meta.dirname, "..");
const checks = { checkHost: "host", checkImage: "image", checkAnnotations: "annotations" };

const ajv = new Ajv({ code: { source: true, esm: true }, verbose: true });
const schema = JSON.parse(readFileSync(`${repository}/config.schema.json`, "utf8"));
ajv.addSchema(schema);
const code = standaloneCode(
  ajv,
  Object.fromEntries(
    Object.entries(checks).map(([name, part]) => [name, `${schema.$id}#/definitions/${part}`]),
  ),
);
mkdirSync(`${repository}/build`, { recursive: true });
writeFileSync(`${repository}/build/settings-check.js`, code);
writeFileSync(
  `${repository}/build/settings-check.d.ts`,
  [
    'import type { ValidateFunction } from "ajv";',
    ...Object.keys(checks).map((name) => `export declare const ${name}: ValidateFunction;`),
    "",
  ].join("\n"),
);
