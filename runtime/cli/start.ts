import { delegate } from "../container/delegate.ts";
import { startContainer } from "../container/start.ts";
import { ownContainer, type Verb } from "./verb.ts";

export const run: Verb = async (call) => {
  const container = ownContainer(call);
  if (!container) return delegate(call.argv);
  await startContainer(call.root, container);
};
