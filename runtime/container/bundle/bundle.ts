/** What a bundle holds: a unikernel, with its configuration, or something for another runtime. */
import { statusOrNull } from "../../../native/files.ts";
import { once } from "../../../native/libc.ts";
import { UnikrunError } from "../../error.ts";
import { refuseOrdinaryUser } from "../delegate/rootless.ts";
import { withoutEngineInit } from "../engines/own-init.ts";
import type { Spec } from "../spec/oci.ts";
import { readConfig, specOf } from "../spec/spec.ts";
import { type FoundGuest, findGuest } from "./find-guest.ts";
import { outlineOf } from "./outline.ts";

export interface Found {
  readonly guest: FoundGuest;
  readonly rootfs: string;
  readonly spec: Spec;
}

/**
 * Reads config.json, and judges it by what unikernels need only where it is one's: null where it is for another runtime,
 * which may take more, and other things, than the specification has.
 */
export async function findInBundle(id: string, bundle: string): Promise<Found | null> {
  const config = readConfig(bundle);
  const judged = once(() => withoutEngineInit(specOf(config)));
  const outline = outlineOf(config);
  // What is no JSON is told so here, too.
  const vm = !outline || outline.hasVm ? judged().vm : undefined;
  if (!outline?.root) return null;
  const rootfs = rootOf(id, bundle, outline.root.path);
  const guest = await findGuest({ id, rootfs, ...outline, ...(vm ? { vm } : {}) });
  if (!guest) return null;
  refuseOrdinaryUser(id);
  return { guest, rootfs, spec: judged() };
}

function rootOf(id: string, bundle: string, path: string): string {
  const rootfs = path.startsWith("/") ? path : `${bundle}/${path}`;
  if (statusOrNull(rootfs)?.isFolder) return rootfs;
  throw new UnikrunError(
    `Container ${id}: its root file system ${rootfs} is not a folder: see root.path in config.json.`,
  );
}

/** argv of the guest's program: a container's own arguments come last but for the kernel's of config-vm.md. */
export function argumentsOf({ guest, spec }: Found): string[] {
  const [name = guest.kernel, ...rest] = spec.process?.args ?? [];
  return [name, ...guest.firstArgs, ...rest, ...(spec.vm?.kernel.parameters ?? [])];
}
