import type { PidReceivers } from "../container/engines/announce-pid.ts";
import type { CreateOptions } from "../container/life/create.ts";
import type { Call } from "./verb.ts";

/** What `create` and `run` have in common. */
export function createOptions({ root, systemdCgroup, flags, args: [id = ""] }: Call): CreateOptions {
  const consoleSocket = flags.string("console-socket");
  return {
    root,
    id,
    systemdCgroup,
    bundle: flags.string("bundle") ?? ".",
    ...pidReceivers(flags),
    ...(consoleSocket === undefined ? {} : { consoleSocket }),
  };
}

export function pidReceivers(flags: Call["flags"]): PidReceivers {
  const [pidFile, pidfdSocket] = [flags.string("pid-file"), flags.string("pidfd-socket")];
  return {
    ...(pidFile === undefined ? {} : { pidFile }),
    ...(pidfdSocket === undefined ? {} : { pidfdSocket }),
  };
}
