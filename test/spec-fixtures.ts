/** The runtime specification's own schemas and fixtures, which lie beside the repository where somebody put them. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import Ajv from "ajv";
import test, { type Implementation } from "ava";

const SCHEMAS = resolve(import.meta.dirname, "../../shared/spec/schema");

/** The files of a folder of them, as in "test/config/good". */
export function fixtures(folder: string): { name: string; text: string }[] {
  return readdirSync(`${SCHEMAS}/${folder}`)
    .filter((name) => name.endsWith(".json"))
    .map((name) => ({ name, text: readFileSync(`${SCHEMAS}/${folder}/${name}`, "utf8") }));
}

/** A test that needs `folder`; without it, it is skipped and its title says why. */
export function fixtureTest(title: string, folder: string, implementation: Implementation<[]>): void {
  if (existsSync(`${SCHEMAS}/${folder}`)) test(title, implementation);
  else test.skip(`${title} (skipped: ../shared/spec/schema/${folder} is not there)`, implementation);
}

/** Checks a value by one of the schemas: null, or what is wrong with it. */
export function schemaCheck(schema: string): (value: unknown) => string | null {
  // They call themselves draft-04, but use nothing that later drafts read differently.
  const ajv = new Ajv({ strict: false, validateFormats: false });
  for (const { name, text } of fixtures(".")) {
    const { $schema: _draft, ...rest } = JSON.parse(text);
    ajv.addSchema(rest, name);
  }
  const check = ajv.getSchema(schema);
  if (!check) throw new Error(`there is no ${schema} in ${SCHEMAS}`);
  return (value) => (check(value) ? null : ajv.errorsText(check.errors));
}
