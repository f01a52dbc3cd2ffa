import { askOther } from "../container/delegate/other-runtime.ts";
import { features } from "../container/engines/features.ts";
import { knownAccelerator } from "../host/known-accelerator.ts";
import { print } from "./print.ts";
import type { Verb } from "./verb.ts";

export const run: Verb = async () =>
  print(JSON.stringify(features(await askOther("features"), await knownAccelerator()), null, 2));
