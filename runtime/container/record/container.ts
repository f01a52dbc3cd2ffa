/** What is kept of a container from its create on. */
import { exists } from "../../../native/files.ts";
import { ownUid } from "../../../native/own-uid.ts";
import type { IdMaps } from "../../../native/user-namespace.ts";
import type { KernelImage } from "../../guest/file/kernel-file.ts";
import type { TenderBoard, VmmBoard } from "../../machine/board.ts";
import type { Emulated } from "../../machine/choose-accelerator.ts";
import type { GuestMount } from "../bundle/mounts.ts";
import type { DeviceRule } from "../cgroup/devices.ts";
import type { Hooks } from "../spec/oci.ts";

/** Of the record's form; one that a reader of this form would misread has the next. */
export const VERSION = 1;

/** Written by `create`, and by an `update` before the start; whether the container runs is read off the processes, so a killed runtime can't leave a lie. */
export interface Container {
  readonly version: typeof VERSION;
  readonly ociVersion: string;
  readonly id: string;
  readonly bundle: string;
  readonly rootfs: string;
  /** ISO 8601. */
  readonly created: string;
  readonly annotations: Readonly<Record<string, string>>;
  /** The container's init (0 as long as create has not made it), and when it started in clock ticks after boot (proc(5)), so that a reused pid is not taken for it. */
  readonly pid: number;
  readonly startTime: number;
  /** The folders of its cgroup, by hierarchy. */
  readonly cgroup: Readonly<Record<string, string>>;
  /** The unit of systemd's that the cgroup is of, as in "docker-ID.scope". */
  readonly scope?: string;
  /** A network namespace that outlives the container, if it was given one. */
  readonly givenNetns?: string;
  readonly hooks: Hooks;
  readonly guest: GuestRecord;
  readonly board: BoardRecord;
}

/** What `start` needs, as it was when the container was created: later changes of config.json have no effect. */
export interface GuestRecord {
  readonly family: string;
  /** Path inside the root file system, or on the host. */
  readonly kernel: string;
  readonly kernelOnHost: boolean;
  /** Which file it was, and as it was then (ImageFile.identity). */
  readonly kernelIdentity: string;
  readonly image: KernelImage;
  /** Whether its board has ACPI, where that is not the same for all of its family. */
  readonly acpi?: boolean;
  /** The second file that it boots with; a path as the kernel's. */
  readonly companion?: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  readonly hostname?: string;
  /** MiB. */
  readonly memory?: number;
  /** Bytes. */
  readonly memoryLimit?: number;
  /** What of the image is to be on disks, if its settings say it. */
  readonly disks?: readonly { readonly path: string; readonly mountpoint?: string }[];
  readonly mounts: readonly GuestMount[];
  /** Which devices of the host it may be given, where a rule denies some and one of its mounts may be a device. */
  readonly devices?: readonly DeviceRule[];
  /** Where the disks of its volumes are, and of read-only files. */
  readonly store: string;
  /** Bytes that those of read-only files may take there. */
  readonly cacheBytes: number;
  /** Bytes that it can have in a volume. */
  readonly volumeBytes: number;
  /** Its guest can be kept once it listens on that TCP port, with others in so many bytes of the store. */
  readonly warm?: { readonly port: number; readonly bytes: number };
  /** Of its network namespace's rules, which its guest's frames would go around. */
  readonly networkRules?: "refuse" | "ignore";
  readonly newMounts: boolean;
  /** Of its user namespace, if it is not the host's: whose ids on the host its users have. */
  readonly users?: IdMaps;
  /** Which of these ids are its machine's own, in place of the pid (bundle/own-place.ts). */
  readonly place?: number;
  readonly apparmor?: string;
  readonly selinux?: string;
}

/** What is decided before a container starts, and stays. */
export type BoardRecord = QemuRecord | TenderRecord;

/** Its VMM waits for the start. */
export interface QemuRecord extends VmmBoard {
  readonly tender?: never;
  /** Why it is emulated, and what to do about that, as it was when the container was created. */
  readonly emulated?: Emulated;
  /** A line for the container's log. */
  readonly say?: string;
  /** Where a guest may be kept: what is known at create of those that can go on from each other. */
  readonly kind?: string;
}

/** Its tender is started with all that it needs, and can be told nothing more. */
export interface TenderRecord extends TenderBoard {
  readonly emulated?: never;
  readonly say?: never;
  readonly kind?: never;
  readonly incoming?: never;
}

/** Null where an older unikrun made it, and did not keep it. */
export const boardOf = ({ board }: Partial<Pick<Container, "board">>): BoardRecord | null => board ?? null;

/** A uid that is its machine's alone, and of that `kind`, as its user namespace calls it. */
export const uidOf = (kind: "vmm" | "tool", { pid, guest }: Pick<Container, "pid" | "guest">): number =>
  ownUid(kind, guest.place ?? pid, guest.users);

/**
 * Where the image's files are found. Podman creates a container with a user namespace where it has mounted them for that alone, and starts
 * it elsewhere: its init has them until the machine runs.
 */
export function imageRoot({ pid, rootfs, guest }: Pick<Container, "pid" | "rootfs" | "guest">): string {
  const inits = `/proc/${pid}/root${rootfs}`;
  return guest.users && exists(inits) ? inits : rootfs;
}

/** The folder of a container's files; `root` is --root. */
export const containerFolder = (root: string, id: string): string => `${root}/${id}`;

/** A file in it, of a container whose guest writes disks that stay, and can be asked (life/askable.ts); quick.c looks for it. */
export const askableMark = (root: string, id: string): string => `${containerFolder(root, id)}/askable`;

/** Of the network namespace that the guest's cards are in. */
export const netnsOf = ({ givenNetns, pid }: Container): string => givenNetns ?? `/proc/${pid}/ns/net`;
