import { containerReport } from "../container/record/report.ts";
import { print } from "./print.ts";
import { handOver, ownContainer, type Verb } from "./verb.ts";

export const run: Verb = async (call) => {
  const container = ownContainer(call);
  if (!container) return handOver(call);
  print(JSON.stringify(containerReport(call.root, container), null, 2));
};
