import { doesNotExist } from "../container/engines/words.ts";
import type { Container } from "../container/record/container.ts";
import { isId } from "../container/record/id.ts";
import { isReserved, readContainer } from "../container/record/store.ts";

/** A parsed command line, as a verb sees it. */
export interface Call {
  readonly verb: string;
  /** --root: the folder of all containers' state. */
  readonly root: string;
  /** Whether it was said. */
  readonly rootGiven: boolean;
  readonly systemdCgroup: boolean;
  readonly flags: Flags;
  readonly args: readonly string[];
}

export interface Flags {
  string(name: string): string | undefined;
  boolean(name: string): boolean;
}

/** What a verb's file exports as `run`; a number is the exit code. */
export type Verb = (call: Call) => Promise<number | undefined> | Promise<void> | void;

/** By `--json`, or `--format json` where a verb has that. */
export const wantsJson = ({ flags }: Call): boolean =>
  flags.boolean("json") || flags.string("format") === "json";

/** The container that the first argument names; null where it is another runtime's. */
export function ownContainer(call: Call): Container | null {
  const [id = ""] = call.args;
  // Other runtimes take other ids, too.
  if (!isId(id)) return null;
  const container = readContainer(call.root, id);
  if (container) return container;
  if (isReserved(call.root, id)) return null;
  throw doesNotExist(id, call.root);
}

/** Puts the runtime in our place whose container it is; few calls need it, so it is loaded here. */
export async function handOver(call: Call): Promise<never> {
  const { delegate } = await import("../container/delegate/delegate.ts");
  return delegate({ root: call.root, rootGiven: call.rootGiven, id: call.args[0] ?? "" });
}
