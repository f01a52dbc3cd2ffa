import { type ExecOptions, execInContainer, readProcessFile } from "../container/exec/exec.ts";
import { UnikrunError } from "../error.ts";
import { pidReceivers } from "./create-options.ts";
import { type Call, handOver, ownContainer, type Verb } from "./verb.ts";

export const run: Verb = async (call) => {
  const container = ownContainer(call);
  if (!container) return handOver(call);
  const consoleSocket = call.flags.string("console-socket");
  return execInContainer(call.root, container, {
    process: processOf(call),
    detach: call.flags.boolean("detach"),
    ...pidReceivers(call.flags),
    ...(consoleSocket === undefined ? {} : { consoleSocket }),
  });
};

/** What else a process may have (--user, --cwd, --env, …) is for Linux programs. */
function processOf({ flags, args: [, ...args] }: Call): ExecOptions["process"] {
  const file = flags.string("process");
  if (file !== undefined) return readProcessFile(file);
  if (args.length === 0)
    throw new UnikrunError("unikrun exec needs a command, or --process with a file that has one.");
  return { args, terminal: flags.boolean("tty") };
}
