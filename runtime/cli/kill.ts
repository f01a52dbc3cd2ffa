import { killContainer } from "../container/life/kill.ts";
import { handOver, ownContainer, type Verb } from "./verb.ts";

export const run: Verb = async (call) => {
  const container = ownContainer(call);
  if (!container) return handOver(call);
  await killContainer(call.root, container, call.args[1] ?? "SIGTERM", { all: call.flags.boolean("all") });
};
