/**
 * What this call of the runtime did and when, for `unikrun trace`: kept in memory until it is known whose container it was about
 * (container/record/trace.ts), so that a step costs no more than a look at the clock.
 */

export type StepName =
  | "found"
  | "decided"
  | "launched"
  | "ordered"
  | "hook"
  | "network"
  | "template"
  | "image found"
  | "image made"
  | "disk"
  | "composed"
  | "sent"
  | "shared"
  | "waited"
  | "loaded"
  | "listens"
  | "kept"
  | "failed";

/** It began where the one before it ended. */
export interface Step {
  readonly step: StepName;
  /** Its end, in microseconds since 1970. */
  readonly at: number;
  readonly about?: string;
}

export interface Steps {
  /** Of the first, and of all. */
  readonly begun: number;
  readonly ended: number;
  readonly steps: readonly Step[];
}

let begun = Math.round(performance.timeOrigin * 1000);
let steps: Step[] = [];

/** The last that was done had this name. */
export function passed(step: StepName, about?: string): void {
  steps.push({ step, at: microseconds(), ...(about === undefined ? {} : { about }) });
}

/** What was done since the last time that somebody took it, or since this process began. */
export function takeSteps(): Steps {
  const taken = { begun, ended: microseconds(), steps };
  begun = taken.ended;
  steps = [];
  return taken;
}

/** By the clock on the wall, as init's (native/init/trace.c), as it was when this process began. */
const microseconds = (): number => Math.round((performance.timeOrigin + performance.now()) * 1000);
