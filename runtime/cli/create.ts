import { createContainer } from "../container/create.ts";
import { delegate } from "../container/delegate.ts";
import { createOptions } from "./create-options.ts";
import type { Verb } from "./verb.ts";

export const run: Verb = async (call) => {
  if (!(await createContainer(createOptions(call)))) await delegate(call.argv);
};
