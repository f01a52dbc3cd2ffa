/** Cgroups that a rootless engine's user was not given: what has no limit runs without one (crun and runc do so, too). */
import { errorCode } from "../../../native/libc.ts";
import { inUserNamespace } from "../../../native/user-namespace.ts";
import { UnikrunError } from "../../error.ts";
import type { Resources } from "../spec/oci.ts";
import { limitsV2 } from "./limits-v2.ts";

/** Whether a cgroup can't be made since nobody gave us a place for it, and not for what is wrong with its limits. */
export function isWithheld(error: unknown): boolean {
  const cause = error instanceof UnikrunError ? error.cause : error;
  return inUserNamespace() && ["EACCES", "EPERM", "EROFS"].includes(errorCode(cause));
}

/** Who asks for a limit is not to believe that it holds. */
export function refuseLimits(id: string, resources: Resources, cause: unknown): void {
  const limits = limitsV2({ ...resources, devices: [] }).filter(({ value }) => !/^max\b/.test(value));
  if (limits.length === 0) return;
  const names = [...new Set(limits.map(({ controller }) => controller))].sort().join(", ");
  throw new UnikrunError(
    `Container ${id}: its limits (${names}) can't be had, since its engine's user was given no cgroup: leave them out, or have the engine use systemd as its cgroup manager, on a host with cgroup v2.`,
    { cause },
  );
}
