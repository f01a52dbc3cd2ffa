import { delegate } from "../container/delegate.ts";
import { runContainer } from "../container/run.ts";
import { createOptions } from "./create-options.ts";
import type { Verb } from "./verb.ts";

export const run: Verb = async (call) => {
  const code = await runContainer(createOptions(call), {
    detach: call.flags.boolean("detach"),
    keep: call.flags.boolean("keep"),
  });
  return code ?? delegate(call.argv);
};
