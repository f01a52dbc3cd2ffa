import { deleteContainer } from "../container/life/delete.ts";
import { isId } from "../container/record/id.ts";
import { forgetFragment, isDamaged, isReserved } from "../container/record/store.ts";
import { handOver, ownContainer, type Verb } from "./verb.ts";

export const run: Verb = async (call) => {
  const force = call.flags.boolean("force");
  const [id = ""] = call.args;
  if (force && isId(id)) {
    if (forgetFragment(call.root, id) || !isReserved(call.root, id)) return;
    if (isDamaged(call.root, id)) {
      const { deleteDamaged } = await import("../container/life/delete-damaged.ts");
      return deleteDamaged(call.root, id);
    }
  }
  const container = ownContainer(call);
  if (!container) return handOver(call);
  await deleteContainer(call.root, container, { force });
};
