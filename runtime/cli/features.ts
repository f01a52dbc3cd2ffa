import { features } from "../container/features.ts";
import { askOther } from "../container/other-runtime.ts";
import { knownAccelerator } from "../host/known-accelerator.ts";
import { print } from "./print.ts";
import type { Verb } from "./verb.ts";

export const run: Verb = async () =>
  print(JSON.stringify(features(await askOther("features"), await knownAccelerator()), null, 2));
