import { exactJson } from "../container/cgroup/figures.ts";
import { endOf, oomKills } from "../container/observe/oom.ts";
import { statisticsOf } from "../container/observe/statistics.ts";
import { isAlive } from "../container/record/alive.ts";
import { UnikrunError } from "../error.ts";
import { print } from "./print.ts";
import { handOver, ownContainer, type Verb } from "./verb.ts";

export const run: Verb = async (call) => {
  const container = ownContainer(call);
  if (!container) return handOver(call);
  const pause = milliseconds(call.flags.string("interval") ?? "5s");
  if (!isAlive(container)) {
    throw new UnikrunError(`container not running: ${container.id} has stopped, so it has no statistics.`);
  }
  if (call.flags.boolean("stats")) return print(exactJson(statisticsOf(call.root, container)));
  let killed = oomKills(container);
  const tell = (now: bigint): void => {
    if (now <= killed) return;
    killed = now;
    print(JSON.stringify({ type: "oom", id: container.id }));
  };
  using end = endOf(call.root, container);
  for (let next = 0; isAlive(container); ) {
    tell(oomKills(container));
    if (performance.now() >= next) {
      next = performance.now() + pause;
      print(exactJson(statisticsOf(call.root, container)));
    }
    const last = end.wait(Math.min(pause, OOM_PAUSE));
    if (last !== undefined) return tell(last);
  }
  // The kernel may have killed init itself.
  tell(oomKills(container));
};

/** Milliseconds between two looks for processes that lack of memory killed, and for the container's end. */
const OOM_PAUSE = 500;

/** As Go writes durations, of one unit: "5s", "500ms", "1m". */
function milliseconds(text: string): number {
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const factor = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }[unit];
  if (factor !== undefined && Number(digits) > 0) return Number(digits) * factor;
  throw new UnikrunError(
    `events --interval must be a duration above 0, as 5s or 500ms, not ${JSON.stringify(text)}.`,
  );
}
