import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import test from "ava";
import { drawing } from "../../scripts/drawing.ts";

test("docs/machine.svg is what docs/machine.dot says (npm run drawing)", async (t) => {
  const file = resolve(import.meta.dirname, "../../docs/machine.svg");
  t.is(readFileSync(file, "utf8"), await drawing());
});
