import { hostSettings, storeFolder } from "../container/settings/host.ts";
import { bringBackAll } from "../disk/volumes.ts";
import type { Verb } from "./verb.ts";

export const run: Verb = async ({ args, flags }) => {
  bringBackAll(flags.string("store") ?? storeFolder(await hostSettings()), args);
};
