import { statusText } from "../container/exec/describe.ts";
import { UnikrunError } from "../error.ts";
import { print } from "./print.ts";
import { ownContainer, type Verb } from "./verb.ts";

export const run: Verb = (call) => {
  const container = ownContainer(call);
  if (!container)
    throw new UnikrunError(
      `Container ${call.args[0]} is no unikernel: ask its engine, or runc state, of it.`,
    );
  print(statusText(call.root, container, call.flags.boolean("json")).trimEnd());
};
