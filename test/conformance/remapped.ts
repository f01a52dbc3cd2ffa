/** A bench's container in a user namespace of its own, as Docker's userns-remap has it. */
import { chmodSync } from "node:fs";
import type { Bench } from "./harness.ts";

/** Of the container's root, as uid and as gid. */
export const HOST_ROOT = 100_000;
export const MAPPINGS = [{ containerID: 0, hostID: HOST_ROOT, size: 65_536 }];

/** Whose root gets to its files, as engines see to. */
export function remap({ folder, bundle, rootfs, configure }: Bench): void {
  for (const path of [folder, bundle, rootfs]) chmodSync(path, 0o755);
  configure(({ linux }) => {
    linux.namespaces.push({ type: "user" });
    Object.assign(linux, { uidMappings: MAPPINGS, gidMappings: MAPPINGS });
  });
}
