import { createContainer } from "../container/life/create.ts";
import { createOptions } from "./create-options.ts";
import { handOver, type Verb } from "./verb.ts";

export const run: Verb = async (call) => {
  if (!(await createContainer(createOptions(call)))) await handOver(call);
};
