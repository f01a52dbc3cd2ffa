import { listProcesses } from "../container/observe/processes.ts";
import { UnikrunError } from "../error.ts";
import { print } from "./print.ts";
import { handOver, ownContainer, type Verb } from "./verb.ts";

export const run: Verb = async (call) => {
  const container = ownContainer(call);
  if (!container) return handOver(call);
  const [, ...options] = call.args;
  const format = call.flags.string("format") ?? "table";
  if (format !== "table" && format !== "json")
    throw new UnikrunError(`There is no ps format ${JSON.stringify(format)}: use table or json.`);
  const { pids, table } = listProcesses(container);
  print(format === "json" ? JSON.stringify(pids) : table(options));
};
