import { exists, writeText } from "../../native/files.ts";
import { defaultSpec } from "../container/default-spec.ts";
import { UnikrunError } from "../error.ts";
import type { Verb } from "./verb.ts";

export const run: Verb = ({ flags }) => {
  const file = `${flags.string("bundle") ?? "."}/config.json`;
  if (exists(file))
    throw new UnikrunError(`${file} exists already: remove it first, or write elsewhere with --bundle.`);
  writeText(file, `${JSON.stringify(defaultSpec(), null, 2)}\n`, 0o644);
};
