import { exists, writeText } from "../../native/files.ts";
import { defaultSpec } from "../container/spec/default.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import type { Verb } from "./verb.ts";

export const run: Verb = ({ flags }) => {
  const folder = flags.string("bundle") ?? ".";
  const file = `${folder}/config.json`;
  if (exists(file))
    throw new UnikrunError(`${file} exists already: remove it first, or write elsewhere with --bundle.`);
  try {
    writeText(file, `${JSON.stringify(defaultSpec(), null, 2)}\n`, 0o644);
  } catch (cause) {
    throw new UnikrunError(
      `${file} can't be written (${reasonOf(cause)}): --bundle must name a folder that is there.`,
      { cause },
    );
  }
};
