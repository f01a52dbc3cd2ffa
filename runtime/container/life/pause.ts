import { askMachine } from "../../../native/control.ts";
import { exists, removeFile, writeText } from "../../../native/files.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import { fitWorkers } from "../boot/pids.ts";
import { openCgroup } from "../cgroup/cgroup.ts";
import { hasCgroup } from "../cgroup/members.ts";
import { notRunning } from "../engines/words.ts";
import { boardOf, type Container, containerFolder } from "../record/container.ts";
import { holdContainer } from "../record/hold.ts";
import { canPause, canResume, type Status, statusOf, stillMark } from "../record/status.ts";
import { flushGuest } from "./askable.ts";

/** Stops a running guest's clock and vCPUs, then freezes all of its container. */
export async function pauseContainer(root: string, container: Container): Promise<void> {
  using _held = holdContainer(root, container, "paused");
  refuseUnless(root, container, canPause, "running", "paused");
  // It may be paused for longer than its host lives.
  await flushGuest(root, container);
  ask(root, container, "stop");
  try {
    freeze(root, container);
  } catch (error) {
    ask(root, container, "cont");
    throw error;
  }
}

/** Without a cgroup it is the guest alone that stands still. */
function freeze(root: string, container: Container): void {
  if (hasCgroup(container)) {
    openCgroup(container.cgroup).freeze();
    return;
  }
  if (boardOf(container)?.tender === undefined) {
    writeText(stillMark(root, container), "");
    return;
  }
  throw new UnikrunError(
    `Container ${container.id} can't be paused: it has no cgroup, as its engine's user was given none, and a tender stands still by that alone.`,
  );
}

/** Lets a paused guest go on. */
export function resumeContainer(root: string, container: Container): void {
  using _held = holdContainer(root, container, "resumed");
  refuseUnless(root, container, canResume, "paused", "resumed");
  openCgroup(container.cgroup).thaw();
  // It could not be told while it was frozen.
  fitWorkers(root, container);
  ask(root, container, "cont");
  const mark = stillMark(root, container);
  if (exists(mark)) removeFile(mark);
}

function refuseUnless(
  root: string,
  container: Container,
  can: (status: Status) => boolean,
  wanted: "running" | "paused",
  what: string,
): void {
  const status = statusOf(root, container);
  if (can(status)) return;
  throw notRunning(`${container.id} is ${status}, and only a ${wanted} one can be ${what}`, wanted);
}

/** A tender's guest stands still by being frozen alone. */
function ask(root: string, { id, ...container }: Container, execute: "stop" | "cont"): void {
  if (boardOf(container)?.tender !== undefined) return;
  try {
    askMachine(containerFolder(root, id), { execute });
  } catch (cause) {
    throw new UnikrunError(
      `The machine of container ${id} can't be told to ${execute === "stop" ? "stand still" : "go on"} (${reasonOf(cause)}): has it just ended?`,
      { cause },
    );
  }
}
