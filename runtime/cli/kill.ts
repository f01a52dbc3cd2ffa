import { delegate } from "../container/delegate.ts";
import { killContainer } from "../container/kill.ts";
import { ownContainer, type Verb } from "./verb.ts";

export const run: Verb = async (call) => {
  const container = ownContainer(call);
  if (!container) return delegate(call.argv);
  killContainer(container, call.args[1] ?? "SIGTERM", { all: call.flags.boolean("all") });
};
