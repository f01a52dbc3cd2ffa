/** A container's record, as far as it is known before there is one. */
import { exists } from "../../../native/files.ts";
import type { IdMaps } from "../../../native/user-namespace.ts";
import { storeFolder } from "../../places.ts";
import { refuseFewPids } from "../boot/pids.ts";
import { argumentsOf, type Found } from "../bundle/bundle.ts";
import { guestMounts } from "../bundle/mounts.ts";
import { givenHostname, givenNetns, hasOwn } from "../bundle/namespaces.ts";
import { cgroupPaths } from "../cgroup/cgroup.ts";
import type { SystemdPlace } from "../cgroup/path.ts";
import { type BoardRecord, type Container, type GuestRecord, VERSION } from "../record/container.ts";
import { cacheBytes, type HostSettings, volumeBytes, warmBytes } from "../settings/host.ts";
import type { Spec } from "../spec/oci.ts";

/** Throws UnikrunError for what the guest can't be told: now, and not when it starts. */
export function guestRecord(
  from: Found & {
    readonly id: string;
    readonly bundle: string;
    readonly settings: HostSettings;
    /** Of its user namespace. */
    readonly users: IdMaps | undefined;
  },
): GuestRecord {
  const { id, bundle, spec, settings, users, guest: found } = from;
  const { process, linux } = spec;
  refuseFewPids(id, linux?.resources?.pids?.limit);
  const memoryLimit = linux?.resources?.memory?.limit;
  const networkRules = found.machine.networkRules ?? settings.networkRules;
  const hostname = spec.hostname || givenHostname(spec);
  const record: GuestRecord = {
    family: found.family.name,
    kernel: found.kernel,
    kernelOnHost: found.kernelOnHost,
    kernelIdentity: found.kernelIdentity,
    image: found.image,
    ...(found.acpi === undefined ? {} : { acpi: found.acpi }),
    ...(found.companion === undefined ? {} : { companion: found.companion }),
    args: argumentsOf(from),
    env: process?.env ?? [],
    cwd: process?.cwd ?? "/",
    mounts: guestMounts(id, bundle, spec, users),
    store: storeFolder(settings.store),
    cacheBytes: cacheBytes(settings),
    volumeBytes: volumeBytes(settings),
    ...(found.disks === undefined ? {} : { disks: found.disks }),
    ...(networkRules === undefined ? {} : { networkRules }),
    newMounts: hasOwn(spec, "mount"),
    ...(users === undefined ? {} : { users }),
    ...(hostname === undefined ? {} : { hostname }),
    ...(found.memory === undefined ? {} : { memory: found.memory }),
    ...(found.warm === undefined ? {} : { warm: { port: found.warm, bytes: warmBytes(settings) } }),
    ...(memoryLimit === undefined || memoryLimit <= 0 ? {} : { memoryLimit }),
    ...(process?.apparmorProfile ? { apparmor: process.apparmorProfile } : {}),
    ...(process?.selinuxLabel ? { selinux: process.selinuxLabel } : {}),
  };
  found.family.bootArguments({ ...record, nics: [], disks: [] });
  return record;
}

export function draftOf(parts: {
  id: string;
  bundle: string;
  rootfs: string;
  spec: Spec;
  guest: GuestRecord;
  board: BoardRecord;
}): Container {
  const { spec, id, bundle, rootfs, guest, board } = parts;
  const netns = givenNetns(spec);
  return {
    version: VERSION,
    ociVersion: spec.ociVersion,
    id,
    bundle,
    rootfs,
    created: new Date().toISOString(),
    annotations: spec.annotations ?? {},
    pid: 0,
    startTime: 0,
    cgroup: {},
    hooks: spec.hooks ?? {},
    guest,
    board,
    ...(netns === undefined ? {} : { givenNetns: netns }),
  };
}

/** What of its cgroup is not there yet: what is in the rest is not ours to kill. */
export function newCgroup(place: { path: string } | SystemdPlace): Pick<Container, "cgroup" | "scope"> {
  const all = Object.entries(cgroupPaths(place.path));
  const missing = all.filter(([, folder]) => !exists(folder));
  const isNew = missing.length === all.length;
  return {
    cgroup: Object.fromEntries(missing),
    ...("unit" in place && isNew ? { scope: place.unit } : {}),
  };
}
