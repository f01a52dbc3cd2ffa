import { restoreContainer } from "../container/checkpoint/restore.ts";
import { imageFolder } from "./checkpoint.ts";
import { createOptions } from "./create-options.ts";
import { handOver, type Verb } from "./verb.ts";

export const run: Verb = async (call) => {
  const { flags } = call;
  const code = await restoreContainer(createOptions(call), {
    folder: imageFolder(flags.string("image-path")),
    detach: flags.boolean("detach"),
    lazyPages: flags.boolean("lazy-pages"),
  });
  return code ?? handOver(call);
};
