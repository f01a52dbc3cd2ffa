/** Compiles config.schema.json ahead of time into build/settings-check.js: loading ajv would cost 40 ms. */
import { readFileSync, writeFileSync } from "node:fs";
import Ajv from "ajv";
import standaloneCode from "ajv/dist/standalone";

const ajv = new Ajv({ code: { source: true, esm: true }, allErrors: false, verbose: true });
const schema = JSON.parse(readFileSync("config.schema.json", "utf8"));
ajv.addSchema(schema);
const code = standaloneCode(ajv, {
  checkHost: `${schema.$id}#/definitions/host`,
  checkImage: `${schema.$id}#/definitions/image`,
});
writeFileSync("build/settings-check.js", code);
writeFileSync(
  "build/settings-check.d.ts",
  `import type { ValidateFunction } from "ajv";
export declare const checkHost: ValidateFunction;
export declare const checkImage: ValidateFunction;
`,
);
