import { checkHost } from "../host/check.ts";
import { canRun, screenOf } from "../host/finding.ts";
import { print } from "./print.ts";
import type { Verb } from "./verb.ts";

export const run: Verb = async ({ flags }) => {
  const findings = await checkHost();
  print(
    flags.boolean("json")
      ? JSON.stringify({ canRun: canRun(findings), findings }, null, 2)
      : screenOf(findings),
  );
  return canRun(findings) ? 0 : 1;
};
