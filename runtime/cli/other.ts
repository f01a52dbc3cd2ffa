import { UnikrunError } from "../error.ts";
import { handOver, ownContainer, type Verb } from "./verb.ts";

/** Why a unikernel can't be treated so, a clause for an error's sentence. */
const REASONS: Readonly<Record<string, string>> = {
  checkpoint: "this version of unikrun can't save a machine",
  restore: "this version of unikrun can't bring back a machine",
};

/** The verbs that a unikernel does not know: another runtime's containers have them all. */
export const run: Verb = async (call) => {
  const container = ownContainer(call);
  if (!container) return handOver(call);
  const why = REASONS[call.verb] ?? "this version of unikrun can't do that";
  throw new UnikrunError(`Container ${container.id} is a unikernel, so ${call.verb} is not for it: ${why}.`);
};
