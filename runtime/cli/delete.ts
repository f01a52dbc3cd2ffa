import { deleteContainer } from "../container/life/delete.ts";
import { isId } from "../container/record/id.ts";
import { DAMAGED, forgetFragment, isReserved, readRecord } from "../container/record/store.ts";
import { handOver, ownContainer, type Verb } from "./verb.ts";

export const run: Verb = async (call) => {
  const force = call.flags.boolean("force");
  const [id = ""] = call.args;
  const isForced = force && isId(id);
  if (isForced && (forgetFragment(call.root, id) || !isReserved(call.root, id))) return;
  const container = isForced ? readRecord(call.root, id) : ownContainer(call);
  if (container === DAMAGED) {
    const { deleteDamaged } = await import("../container/life/delete-damaged.ts");
    return deleteDamaged(call.root, id);
  }
  if (!container) return handOver(call);
  await deleteContainer(call.root, container, { force });
};
