import { readText } from "../../../native/files.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import { familyNamed } from "../../guest/detect.ts";
import type { Board } from "../../machine/board.ts";
import { overheadBytes } from "../../machine/memory.ts";
import { fitWorkers, refuseFewPids } from "../boot/pids.ts";
import { type Cgroup, openCgroup } from "../cgroup/cgroup.ts";
import { notRunning } from "../engines/words.ts";
import { boardOf, type Container } from "../record/container.ts";
import { holdContainer } from "../record/hold.ts";
import { readMachine } from "../record/machine.ts";
import { canAskMachine, canStart, canUpdate, statusOf } from "../record/status.ts";
import type { Resources } from "../spec/oci.ts";
import { checkResources } from "../spec/resources.ts";
import { keepResized, resized } from "./resize.ts";

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
  for (const flag of ["l3-cache-schema", "mem-bw-schema"]) {
    if (flags.string(flag) === undefined) continue;
    throw new UnikrunError(`update --${flag} can't be done: unikrun does not use Intel RDT; leave it out.`);
  }
  const file = flags.string("resources");
  if (file !== undefined) return parseLimits(file);
  const limits: Record<string, Record<string, unknown>> = {};
  const set = (group: string, field: string, value: unknown): void => {
    limits[group] = { ...limits[group], [field]: value };
  };
  for (const { flag, group, field } of FLAGS) {
    const text = flags.string(flag);
    if (text === undefined) continue;
    set(group, field, group === "memory" ? bytes(flag, text) : whole(flag, text));
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

function whole(flag: string, text: string): number {
  if (/^-?\d+$/.test(text)) return Number(text);
  throw new UnikrunError(`update --${flag} must be a whole number, not ${JSON.stringify(text)}.`);
}

/** As runc reads sizes: 1024 to the next unit, whichever way it is written; -1 for no limit. */
function bytes(flag: string, text: string): number {
  if (text === "-1") return -1;
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text) ?? [];
  if (digits !== "") return Math.floor(Number(digits) * 1024 ** " kmgtp".indexOf(unit.toLowerCase() || " "));
  throw new UnikrunError(
    `update --${flag} must be a size, such as 512m, 2g or a number of bytes, or -1 for none, not ${JSON.stringify(text)}.`,
  );
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

/** Changes the limits of a container's cgroup, and the memory of a guest that has not started; that of one that has stays. */
export async function updateContainer(root: string, container: Container, limits: Resources): Promise<void> {
  using _held = holdContainer(root, container, "updated");
  const status = statusOf(root, container);
  if (!canUpdate(status))
    throw notRunning(
      `${container.id} has stopped, and its limits are for nobody: give them to its next create`,
    );
  refuseFewPids(container.id, limits.pids?.limit);
  const limit = limits.memory?.limit;
  const created = limit !== undefined && canStart(status) ? await resized(root, container, limit) : null;
  if (!created && limit !== undefined && limit > 0) {
    const needed = memoryInUse(root, container);
    if (limit < needed) {
      throw new UnikrunError(
        `Container ${container.id} can't be limited to ${limit} bytes of memory: its guest and VMM take up to ${needed}, and a running guest can't give any back; stop it, and start it with the smaller limit.`,
      );
    }
  }
  // As with runc, the devices stay those of config.json, whatever an engine repeats of them.
  const cgroup = openCgroup(container.cgroup);
  cgroup.limit({ ...(await told(container.scope, cgroup, limits)), devices: [] });
  if (created) await keepResized(root, container, created);
  if (limits.pids && canAskMachine(status)) fitWorkers(root, container);
}

/** What is to be written where systemd keeps the cgroup's limits as well, and was told of these. */
async function told(scope: string | undefined, cgroup: Cgroup, limits: Resources): Promise<Resources> {
  if (!scope) return limits;
  const { limitScope } = await import("../cgroup/scope.ts");
  const { withWholePercents } = await import("../cgroup/unit-properties.ts");
  const whole = withWholePercents(cgroup.completed(limits));
  await limitScope(scope, whole, cgroup.version);
  return whole;
}

/** Bytes that the guest and its VMM may come to use. */
function memoryInUse(root: string, container: Container): number {
  const own = boardOf(container);
  if (own?.tender !== undefined) return own.memoryMiB * 2 ** 20 + overheadBytes("tender");
  const board: Partial<Board> = own ?? readMachine(root, container.id) ?? {};
  const { memoryMiB = 0, accelerator = "kvm" } = board;
  return memoryMiB * 2 ** 20 + overheadBytes(accelerator, familyNamed(container.guest.family).board);
}
