import { traceText } from "../container/exec/describe.ts";
import { chosenContainer } from "./chosen-container.ts";
import { print } from "./print.ts";
import type { Verb } from "./verb.ts";

export const run: Verb = (call) => {
  const { root, container } = chosenContainer(call);
  print(traceText(root, container, call.flags.boolean("json"), process.stdout.columns).trimEnd());
};
