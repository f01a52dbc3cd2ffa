/** A container's cgroup as a transient scope of systemd's, which else would take for its own what it was not told of. */
import { reasonOf, UnikrunError } from "../../error.ts";
import type { Resources } from "../spec/oci.ts";
import type { SystemdPlace } from "./path.ts";
import { connectSystemd, isBooted, type Systemd } from "./systemd.ts";
import { annotatedProperties } from "./unit-annotations.ts";
import { resourceProperties, type UnitProperty } from "./unit-properties.ts";

/**
 * Starts the scope with the process `pid` in it, and returns when systemd has moved that there. The properties are runc's (and
 * crun's), but that the unit is forgotten however it ends. Throws UnikrunError, with no unit left.
 */
export async function startScope(options: {
  id: string;
  place: SystemdPlace;
  pid: number;
  resources: Resources;
  /** Of the host's cgroups. */
  version: 1 | 2;
  annotations: Readonly<Record<string, string>>;
}): Promise<void> {
  const { id, pid, resources } = options;
  const { unit, slice } = options.place;
  const yes = ["b", true] as const;
  const properties: UnitProperty[] = [
    ["Description", ["s", `unikrun container ${id}`]],
    ["Slice", ["s", slice]],
    ["Delegate", yes],
    ["PIDs", ["au", [pid]]],
    ["MemoryAccounting", yes],
    ["CPUAccounting", yes],
    ["IOAccounting", yes],
    ["TasksAccounting", yes],
    ["DefaultDependencies", ["b", false]],
    ["CollectMode", ["s", "inactive-or-failed"]],
    ...annotatedProperties(options.annotations),
    ...resourceProperties(resources, options.version),
  ];
  await ask(`Container ${id} can't be created: systemd does not start its scope ${unit}`, async (systemd) => {
    const start = () =>
      systemd.job("StartTransientUnit", "ssa(sv)a(sa(sv))", [unit, "replace", properties, []]);
    try {
      await start();
    } catch (error) {
      if (nameOf(error) !== "UnitExists") throw error;
      // It may be one that failed, and was left by another runtime.
      await forget(systemd, unit);
      await start();
    }
  });
}

/** The cgroup of the user's manager, in which its units are. */
export async function managersCgroup(id: string): Promise<string> {
  let cgroup = "";
  await ask(`Container ${id} can't be created: its user's systemd does not answer`, async (systemd) => {
    cgroup = await systemd.cgroup();
  });
  return cgroup;
}

/** Changes the limits that systemd knows; those that only the kernel knows are for the cgroup's files. */
export async function limitScope(unit: string, resources: Resources, version: 1 | 2): Promise<void> {
  const properties = resourceProperties(resources, version);
  if (properties.length === 0) return;
  await ask(`The limits of ${unit} can't be changed: systemd refuses them`, async (systemd) => {
    const runtimeOnly = true;
    await systemd.call("SetUnitProperties", "sba(sv)", [unit, runtimeOnly, properties]);
  });
}

/** Ends the scope and what is in it, and returns when it is gone. Idempotent. */
export async function stopScope(unit: string): Promise<void> {
  await ask(`The scope ${unit} can't be removed: systemd does not stop it`, async (systemd) => {
    try {
      await systemd.job("StopUnit", "ss", [unit, "replace"]);
    } catch (error) {
      if (nameOf(error) !== "NoSuchUnit") throw error;
    }
    await forget(systemd, unit);
  });
}

/** Of a unit that failed, which else would be kept. */
async function forget(systemd: Systemd, unit: string): Promise<void> {
  try {
    await systemd.call("ResetFailedUnit", "s", [unit]);
  } catch (error) {
    if (nameOf(error) !== "NoSuchUnit") throw error;
  }
}

async function ask(trouble: string, question: (systemd: Systemd) => Promise<void>): Promise<void> {
  if (!isBooted()) {
    throw new UnikrunError(
      `${trouble}, since systemd does not run this host: have the engine use the cgroup driver cgroupfs (its option, or --systemd-cgroup, says systemd).`,
    );
  }
  try {
    await question(connectSystemd());
  } catch (cause) {
    throw new UnikrunError(`${trouble} (${reasonOf(cause)}).`, { cause });
  }
}

/** "UnitExists" of org.freedesktop.systemd1.UnitExists; "" for what is no answer of systemd's. */
function nameOf(error: unknown): string {
  const name = error instanceof Error && "dbusName" in error ? String(error.dbusName) : "";
  return name.slice(name.lastIndexOf(".") + 1);
}
