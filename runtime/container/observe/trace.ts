/** What `unikrun trace` knows of a container: its steps in their order, and who spent which millisecond until its guest spoke. */
import { UnikrunError } from "../../error.ts";
import type { StepName } from "../../steps.ts";
import type { Container } from "../record/container.ts";
import { type Exit, exitOf } from "../record/exit.ts";
import { hasEnded, statusOf } from "../record/status.ts";
import { type CallRecord, type EventRecord, readTrace } from "../record/trace.ts";

/** Whose doing it is; "engine" is whatever happened between two calls of the runtime. */
export type Party = "unikrun" | "hook" | "engine" | "VMM" | "guest";

/** Times are milliseconds. */
export interface Line {
  /** Since the container's first. */
  readonly at: number;
  /** Null where it is a moment. */
  readonly took: number | null;
  readonly by: Party;
  readonly what: StepName | EventRecord["event"] | Moment;
  readonly about?: string | number;
}

type Moment = "called" | "done" | "between";

export type Shares = Readonly<Record<Party, number>>;

/** The guest's time from its first instruction to its first byte. */
export interface FirstWords {
  readonly took: number;
  /** CPU time of its VMM, vCPU and all. */
  readonly cpu: number;
  /** For how long its container's CPU limit had held it up by then. */
  readonly held: number;
}

export type TraceFacts = ReturnType<typeof traceFacts>;

const BY: Partial<Readonly<Record<Line["what"], Party>>> = {
  hook: "hook",
  between: "engine",
  vmm: "VMM",
  board: "VMM",
  waited: "VMM",
  loaded: "VMM",
  overdue: "VMM",
  gone: "VMM",
  listens: "guest",
  "let-go": "guest",
  spoke: "guest",
  dhcp: "guest",
  "look-up": "guest",
  reset: "guest",
  "said-end": "guest",
};

const partyOf = (what: Line["what"]): Party => BY[what] ?? "unikrun";

/** Throws UnikrunError where nothing was kept of it. */
export function traceFacts(root: string, container: Container) {
  const { id } = container;
  const trace = readTrace(root, id);
  const { calls = [], events = [] } = trace ?? {};
  const begun = Math.min(...calls.map((call) => call.begun), ...events.map(({ at }) => at));
  if (!Number.isFinite(begun))
    throw new UnikrunError(
      `Nothing is known of what container ${id} took its time for: an older unikrun made it, or its create is not done.`,
    );
  const status = statusOf(root, container);
  const lines = [...callLines(calls), ...eventLines(events)]
    .map(({ at, took, ...line }) => ({ at: inMs(at - begun), took: took && inMs(took), ...line }))
    .sort((a, b) => a.at - b.at);
  const failed = calls.find(({ error }) => error !== undefined);
  return {
    id,
    status,
    begun: new Date(begun / 1000).toISOString(),
    lines,
    shares: sharesOf(calls, events),
    firstWords: firstWordsOf(events),
    vmmWasEarly: earlyBy(events),
    failed: failed ? { call: failed.call, error: failed.error ?? "" } : null,
    exit: hasEnded(status) ? lastExit(exitOf(root, container), events) : null,
  };
}

/** Null where nothing was kept of it. */
export function traceOrNull(root: string, container: Container): TraceFacts | null {
  try {
    return traceFacts(root, container);
  } catch {
    return null;
  }
}

const inMs = (microseconds: number): number => Math.round(microseconds) / 1000;

function callLines(calls: readonly CallRecord[]): Line[] {
  return calls.flatMap(({ call, begun, ended, steps }, index) => {
    const before = call === "keep" ? undefined : calls[index - 1];
    const last = steps.at(-1)?.at ?? begun;
    return [
      ...(before ? [{ at: before.ended, took: begun - before.ended, ...named("between") }] : []),
      { at: begun, took: null, ...named("called", call) },
      ...steps.map((step, at) => {
        const from = steps[at - 1]?.at ?? begun;
        return { at: from, took: step.at - from, ...named(step.step, step.about) };
      }),
      { at: last, took: ended - last, ...named("done", call) },
    ];
  });
}

/** What the VMM and the guest were at until an event is told by that, where it has a beginning. */
const BEGINNINGS: Partial<Readonly<Record<EventRecord["event"], EventRecord["event"]>>> = {
  board: "vmm",
  spoke: "let-go",
};

function eventLines(events: readonly EventRecord[]): Line[] {
  return events.map(({ event, at, value }) => {
    const from = events.find((each) => each.event === BEGINNINGS[event])?.at;
    return {
      at: from ?? at,
      took: from === undefined ? null : at - from,
      ...named(event, value === 0 && !HAVE_ZERO.has(event) ? undefined : value),
    };
  });
}

const HAVE_ZERO: ReadonlySet<EventRecord["event"]> = new Set(["gone", "exit"]);

const named = (what: Line["what"], about?: string | number) => ({
  what,
  by: partyOf(what),
  ...(about === undefined ? {} : { about }),
});

/** One after another until the guest spoke: from when it goes on all time is its own, and before that what the VMM does beside others is not counted. */
function sharesOf(calls: readonly CallRecord[], events: readonly EventRecord[]): Shares {
  const shares = { unikrun: 0, hook: 0, engine: 0, VMM: 0, guest: 0 };
  const letGo = timeOf(events, "let-go");
  const until = letGo ?? Number.POSITIVE_INFINITY;
  const add = (party: Party, from: number, to: number): void => {
    shares[party] += Math.max(0, Math.min(to, until) - Math.min(from, until));
  };
  const own = calls.filter(({ call }) => call !== "keep");
  for (const [index, { begun, ended, steps }] of own.entries()) {
    add("engine", own[index - 1]?.ended ?? begun, begun);
    let from = begun;
    for (const { step, at } of steps) {
      add(partyOf(step), from, at);
      from = at;
    }
    add("unikrun", from, ended);
  }
  if (letGo !== undefined) shares.guest = (timeOf(events, "spoke") ?? letGo) - letGo;
  return {
    unikrun: inMs(shares.unikrun),
    hook: inMs(shares.hook),
    engine: inMs(shares.engine),
    VMM: inMs(shares.VMM),
    guest: inMs(shares.guest),
  };
}

const timeOf = (events: readonly EventRecord[], event: EventRecord["event"]): number | undefined =>
  events.find((each) => each.event === event)?.at;

/** For how long the VMM had been ready when the start came; negative where the start waited for it. Null without a board. */
function earlyBy(events: readonly EventRecord[]): number | null {
  const board = timeOf(events, "board");
  const plan = timeOf(events, "plan");
  return board === undefined || plan === undefined ? null : inMs(plan - board);
}

function firstWordsOf(events: readonly EventRecord[]): FirstWords | null {
  const letGo = events.find(({ event }) => event === "let-go");
  const spoke = events.find(({ event }) => event === "spoke");
  if (!letGo || !spoke) return null;
  return {
    took: inMs(spoke.at - letGo.at),
    cpu: inMs(spoke.cpu - letGo.cpu),
    held: inMs(spoke.throttled - letGo.throttled),
  };
}

/** Why, in the order of native/init/ending.c. */
function lastExit(exit: Exit | null, events: readonly EventRecord[]) {
  const first = (
    ["exit", "out-of-memory", "asked", "said-end", "signal", "reset", "gone"] satisfies EventRecord["event"][]
  ).flatMap((name) => events.filter(({ event }) => event === name));
  const [written, cause] = first[0]?.event === "exit" ? first : [undefined, undefined];
  return {
    code: exit?.code ?? null,
    why: written ? (cause?.event ?? null) : ("killed" as const),
    value: cause?.value ?? null,
  };
}
