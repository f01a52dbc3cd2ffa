import { writeText } from "../../native/files.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import { reportText } from "../host/report.ts";
import { print } from "./print.ts";
import type { Verb } from "./verb.ts";
import { ownVersion } from "./version.ts";

export const run: Verb = async ({ flags }) => {
  const text = await reportText(ownVersion());
  const file = flags.string("output");
  if (file === undefined) return print(text.trimEnd());
  try {
    writeText(file, text);
  } catch (cause) {
    throw new UnikrunError(
      `The report can't be written to ${file} (${reasonOf(cause)}): name another file.`,
      {
        cause,
      },
    );
  }
  print(`${file} has the report. Read it before you pass it on.`);
};
