import { UnikrunError } from "../error.ts";
import { handOver, ownContainer, type Verb } from "./verb.ts";

/** The verbs that a unikernel does not know yet: another runtime's containers have them all. */
export const run: Verb = async (call) => {
  const container = ownContainer(call);
  if (!container) return handOver(call);
  throw new UnikrunError(
    `Container ${container.id} is a unikernel, and this version of unikrun can't do that with one.`,
  );
};
