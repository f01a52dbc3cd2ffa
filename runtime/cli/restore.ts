import { restoreContainer } from "../container/checkpoint/restore.ts";
import { imageFolder } from "./checkpoint.ts";
import { createOptions } from "./create-options.ts";
import { handOver, type Verb } from "./verb.ts";

export const run: Verb = async (call) => {
  const code = await restoreContainer(createOptions(call), {
    folder: imageFolder(call.flags.string("image-path")),
    detach: call.flags.boolean("detach"),
  });
  return code ?? handOver(call);
};
