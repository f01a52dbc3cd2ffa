/** A container's trace for people: a line for each step, by the clock, and what its time went into. */
import { SIGNALS } from "../../../native/signals.ts";
import type { Line, TraceFacts } from "./trace.ts";

/** What a step or event is called; `about` is what it says of itself. */
const WORDS: Readonly<Record<Line["what"], (about: string) => string>> = {
  called: (about) => `unikrun ${about} was called`,
  done: (about) => `the rest of ${about}`,
  between: () => "create had ended, start had not begun",
  found: (about) => `read config.json and found the guest: ${about}`,
  decided: (about) => `decided on its machine: ${about}`,
  launched: () => "made the cgroup and the namespaces, and started init",
  ordered: () => "had init start the VMM",
  hook: (about) => `hook ${about}`,
  network: (about) => `read and wired the network: ${about || "no interface"}`,
  template: (about) => `looked for a template: ${about}`,
  "image found": () => "found the disk's image in the store",
  "image made": () => "made the disk's image for the store",
  disk: (about) => `disk ${about}`,
  composed: () => "command line, and what else it is told",
  sent: () => "sent the plan to init",
  shared: () => "prepared the network for programs beside it",
  waited: () => "waited for init and VMM until the guest went",
  loaded: () => "loaded the state that the guest goes on from",
  listens: (about) => `waited until the guest listens ${about}`,
  kept: () => "kept the guest as a template",
  failed: () => "what failed is this",
  init: () => "init is there",
  vmm: () => "the VMM was started",
  board: () => "the VMM made the board, beside what others did",
  plan: () => "the plan is with init",
  devices: () => "the VMM is given its devices",
  "let-go": () => "the guest goes",
  runs: () => "the container is running, for its engine too",
  spoke: () => "from there to the first byte on its console",
  dhcp: () => "the guest asked for its address and has it",
  "look-up": () => "the guest looks up a name",
  asked: (about) => `the guest was asked to end, in the name of ${signalName(about)}`,
  signal: (about) => `init was sent ${signalName(about)}`,
  button: () => "its power button was pressed",
  reset: () => "the guest reset its machine",
  "said-end": () => "the guest said that this is its end",
  overdue: () => "the VMM did not end in time and was killed",
  gone: (about) => `the VMM has ended${statusWords(about)}`,
  "out-of-memory": () => "the kernel has killed the VMM, as the container's memory ran out",
  exit: (about) => `the container has ended: exit code ${about}`,
};

const signalName = (number: string): string =>
  Object.entries(SIGNALS).find(([, value]) => String(value) === number)?.[0] ?? `signal ${number}`;

/** As wait(2) has it. */
function statusWords(status: string): string {
  const value = Number(status);
  if (value === 0) return "";
  return value & 0x7f ? `, by ${signalName(String(value & 0x7f))}` : `, with the code ${value >> 8}`;
}

/** No line is wider than `columns`, if that is given. */
export function timelineText(facts: TraceFacts, columns?: number): string {
  const rows = [
    ["MS", "TOOK", "BY", "WHAT"],
    ...facts.lines.map(({ at, took, by, what, about = "" }) => [
      at.toFixed(1),
      took === null ? "" : took.toFixed(1),
      by,
      WORDS[what](String(about)),
    ]),
  ];
  const [times = 0, spans = 0, parties = 0] = [0, 1, 2].map((column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map(([at = "", took = "", by = "", what = ""]) =>
    `${at.padStart(times)}  ${took.padStart(spans)}  ${by.padEnd(parties)}  ${what}`.trimEnd(),
  );
  const cut = (line: string): string =>
    columns && line.length > columns ? `${line.slice(0, columns - 1)}…` : line;
  return `${[...lines.map(cut), "", ...summary(facts)].map(printable).join("\n")}\n`;
}

/** An image chose the names in it. */
const printable = (line: string): string => line.replace(/\p{Cc}/gu, "?");

const ms = (time: number): string => `${Math.round(time)} ms`;

function summary({ begun, shares, firstWords, vmmWasEarly, failed, exit }: TraceFacts): string[] {
  const parts = Object.entries(shares).filter(([, time]) => time >= 0.5);
  const all = Object.values(shares).reduce((sum, time) => sum + time, 0);
  return [
    `It began at ${begun}.`,
    `Of ${ms(all)} ${firstWords ? "to the guest's first byte" : "so far"}: ${parts.map(([party, time]) => `${party} ${ms(time)}`).join(", ")}.`,
    ...(vmmWasEarly === null ? [] : [vmmSentence(vmmWasEarly)]),
    ...(firstWords ? [guestSentence(firstWords)] : []),
    ...(failed ? [`Its ${failed.call} failed: ${failed.error}`] : []),
    ...(exit ? [exitSentence(exit)] : []),
  ];
}

const vmmSentence = (early: number): string =>
  early < 0
    ? `The start waited ${ms(-early)} for the VMM to be ready.`
    : `The VMM had been ready for ${ms(early)} when the start came.`;

function guestSentence({ took, cpu, held }: NonNullable<TraceFacts["firstWords"]>): string {
  const limit = held > 0 ? `; the container's CPU limit had held it up for ${ms(held)}` : "";
  return `The guest's ${ms(took)} took ${ms(cpu)} of CPU time${limit}.`;
}

function exitSentence({ code, why, value }: NonNullable<TraceFacts["exit"]>): string {
  const cause = why === null ? "" : why === "killed" ? "init was killed by SIGKILL" : WORDS[why](`${value}`);
  return `Exit code ${code ?? "unknown"}${cause === "" ? "" : `: ${cause}`}.`;
}
