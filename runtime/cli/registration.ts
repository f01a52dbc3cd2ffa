import { chooseEngines, type Engine, type EngineName } from "../host/engines.ts";
import { type Change, carryOut, diffOf } from "../host/register.ts";
import { wantedRegistration } from "../host/wanted.ts";
import { print } from "./print.ts";
import type { Call, Flags } from "./verb.ts";

/** What the flags that install and uninstall share ask for. */
export const wantedBy = (flags: Flags) =>
  wantedRegistration({
    name: flags.string("name"),
    binary: flags.string("binary"),
    prefix: flags.string("prefix"),
  });

/** Plans the changes for all engines that are named, then carries them out, or shows them, and says what is left to do. */
export function register(
  { args, flags }: Call,
  options: {
    /** "" for the host itself. */
    root: string;
    plan: (engine: Engine) => Change;
    next: (engine: EngineName) => string;
  },
): void {
  const { root, plan, next } = options;
  const isRehearsal = flags.boolean("dry-run");
  const changes = chooseEngines(root, args).map(plan);
  for (const change of changes) {
    if (isRehearsal) {
      print(diffOf(change) || change.words);
    } else {
      carryOut(change);
      print(change.words);
    }
    if (change.warning) print(`  ${change.warning}`);
  }
  if (isRehearsal) print("Nothing was changed (--dry-run).");
  if (isRehearsal || root !== "") return;
  for (const { engine, before, after } of changes)
    if (before !== after) print(`Next, for ${engine}: ${next(engine)}`);
}
