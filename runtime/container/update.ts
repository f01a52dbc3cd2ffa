import { askMachine } from "../../native/control.ts";
import { readText } from "../../native/files.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import { overheadBytes } from "../machine/memory.ts";
import { openCgroup } from "./cgroup/cgroup.ts";
import type { Resources } from "./oci.ts";
import { checkResources } from "./spec-resources.ts";
import { type Container, containerFolder, statusOf } from "./state.ts";

/** runc's flags, each with its place in linux.resources. */
const FLAGS: readonly { readonly flag: string; readonly group: keyof Resources; readonly field: string }[] = [
  { flag: "cpu-period", group: "cpu", field: "period" },
  { flag: "cpu-quota", group: "cpu", field: "quota" },
  { flag: "cpu-burst", group: "cpu", field: "burst" },
  { flag: "cpu-share", group: "cpu", field: "shares" },
  { flag: "cpu-rt-period", group: "cpu", field: "realtimePeriod" },
  { flag: "cpu-rt-runtime", group: "cpu", field: "realtimeRuntime" },
  { flag: "cpu-idle", group: "cpu", field: "idle" },
  { flag: "memory", group: "memory", field: "limit" },
  { flag: "memory-reservation", group: "memory", field: "reservation" },
  { flag: "memory-swap", group: "memory", field: "swap" },
  { flag: "pids-limit", group: "pids", field: "limit" },
  { flag: "blkio-weight", group: "blockIO", field: "weight" },
];

/** What `update` was told: linux.resources in a file (--resources, "-" for stdin), else by flags. */
export function readLimits(flags: { string(name: string): string | undefined }): Resources {
  const file = flags.string("resources");
  if (file !== undefined) return parseLimits(file);
  const limits: Record<string, Record<string, unknown>> = {};
  const set = (group: string, field: string, value: unknown): void => {
    limits[group] = { ...limits[group], [field]: value };
  };
  for (const { flag, group, field } of FLAGS) {
    const text = flags.string(flag);
    if (text === undefined) continue;
    if (!/^-?\d+$/.test(text)) {
      throw new UnikrunError(`update --${flag} must be a whole number, not ${JSON.stringify(text)}.`);
    }
    set(group, field, Number(text));
  }
  for (const [flag, field] of [
    ["cpuset-cpus", "cpus"],
    ["cpuset-mems", "mems"],
  ] as const) {
    const text = flags.string(flag);
    if (text !== undefined) set("cpu", field, text);
  }
  return limits as Resources;
}

function parseLimits(file: string): Resources {
  const name = file === "-" ? "standard input" : file;
  let value: unknown;
  try {
    value = JSON.parse(readText(file === "-" ? "/dev/stdin" : file));
  } catch (cause) {
    throw new UnikrunError(`The resources of ${name} can't be read as JSON (${reasonOf(cause)}).`, { cause });
  }
  checkResources(value, `${name}: resources`);
  return value as Resources;
}

/** Changes the limits of a container's cgroup. The guest's own memory stays what it was when it started. */
export function updateContainer(root: string, container: Container, limits: Resources): void {
  const limit = limits.memory?.limit;
  if (limit !== undefined && limit > 0 && statusOf(root, container) === "running") {
    const needed = memoryInUse(containerFolder(root, container.id));
    if (limit < needed) {
      throw new UnikrunError(
        `Container ${container.id} can't be limited to ${limit} bytes of memory: its guest and VMM take up to ${needed}, and a running guest can't give any back; stop it, and start it with the smaller limit.`,
      );
    }
  }
  openCgroup(container.cgroup).limit(limits);
}

/** Bytes that the guest and its VMM may come to use. */
function memoryInUse(stateFolder: string): number {
  const ask = (execute: string) => askMachine(stateFolder, { execute }) as Readonly<Record<string, unknown>>;
  const guest = Number(ask("query-memory-size-summary")["base-memory"]);
  return guest + overheadBytes(ask("query-kvm").enabled === true ? "kvm" : "tcg");
}
