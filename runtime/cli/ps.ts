import { listProcesses } from "../container/observe/processes.ts";
import { print } from "./print.ts";
import { handOver, ownContainer, type Verb, wantsJson } from "./verb.ts";

export const run: Verb = async (call) => {
  const container = ownContainer(call);
  if (!container) return handOver(call);
  const [, ...options] = call.args;
  const { pids, table } = listProcesses(container);
  print(wantsJson(call) ? JSON.stringify(pids) : table(options));
};
