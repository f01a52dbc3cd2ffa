import { features } from "../container/features.ts";
import { askOther } from "../container/other-runtime.ts";
import { print } from "./print.ts";
import type { Verb } from "./verb.ts";

export const run: Verb = async () => print(JSON.stringify(features(await askOther("features")), null, 2));
