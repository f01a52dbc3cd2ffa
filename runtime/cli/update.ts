import { readLimits, updateContainer } from "../container/life/update.ts";
import { handOver, ownContainer, type Verb } from "./verb.ts";

export const run: Verb = async (call) => {
  const container = ownContainer(call);
  if (!container) return handOver(call);
  await updateContainer(call.root, container, readLimits(call.flags));
};
