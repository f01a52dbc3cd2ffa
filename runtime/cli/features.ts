import { features } from "../container/features.ts";
import { print } from "./print.ts";
import type { Verb } from "./verb.ts";

export const run: Verb = () => print(JSON.stringify(features(), null, 2));
