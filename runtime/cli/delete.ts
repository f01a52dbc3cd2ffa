import { delegate } from "../container/delegate.ts";
import { deleteContainer } from "../container/delete.ts";
import { forgetFragment, isReserved } from "../container/state.ts";
import { ownContainer, type Verb } from "./verb.ts";

export const run: Verb = async (call) => {
  const force = call.flags.boolean("force");
  const [id = ""] = call.args;
  if (force && (forgetFragment(call.root, id) || !isReserved(call.root, id))) return;
  const container = ownContainer(call);
  if (!container) return delegate(call.argv);
  await deleteContainer(call.root, container, { force });
};
