import { checkpointContainer } from "../container/checkpoint/save.ts";
import { UnikrunError } from "../error.ts";
import { handOver, ownContainer, type Verb } from "./verb.ts";

/** CRIU's ways of saving in several steps, which QEMU has not. */
const REFUSED = ["pre-dump", "lazy-pages", "page-server", "parent-path"];

export const run: Verb = async (call) => {
  const container = ownContainer(call);
  if (!container) return handOver(call);
  const { flags } = call;
  const refused = REFUSED.find((name) => flags.boolean(name) || (flags.string(name) ?? "") !== "");
  if (refused !== undefined)
    throw new UnikrunError(
      `Container ${container.id} is a unikernel, which is saved whole and at once: leave --${refused} out.`,
    );
  await checkpointContainer(call.root, container, {
    folder: imageFolder(flags.string("image-path")),
    leaveRunning: flags.boolean("leave-running"),
  });
};

/** Where runc looks for one, too. */
export const imageFolder = (given: string | undefined): string => {
  const path = given || "checkpoint";
  return path.startsWith("/") ? path : `${process.cwd()}/${path}`;
};
