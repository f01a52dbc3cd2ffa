import type { CreateOptions } from "../container/create.ts";
import type { Call } from "./verb.ts";

/** What `create` and `run` have in common. */
export function createOptions({ root, systemdCgroup, flags, args: [id = ""] }: Call): CreateOptions {
  const pidFile = flags.string("pid-file");
  const consoleSocket = flags.string("console-socket");
  return {
    root,
    id,
    systemdCgroup,
    bundle: flags.string("bundle") ?? ".",
    ...(pidFile === undefined ? {} : { pidFile }),
    ...(consoleSocket === undefined ? {} : { consoleSocket }),
  };
}
