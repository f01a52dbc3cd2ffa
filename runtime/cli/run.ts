import { runContainer } from "../container/life/run.ts";
import { createOptions } from "./create-options.ts";
import { handOver, type Verb } from "./verb.ts";

export const run: Verb = async (call) => {
  const code = await runContainer(createOptions(call), {
    detach: call.flags.boolean("detach"),
    keep: call.flags.boolean("keep"),
  });
  return code ?? handOver(call);
};
