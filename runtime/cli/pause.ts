import { pauseContainer } from "../container/life/pause.ts";
import { handOver, ownContainer, type Verb } from "./verb.ts";

export const run: Verb = async (call) => {
  const container = ownContainer(call);
  if (!container) return handOver(call);
  await pauseContainer(call.root, container);
};
