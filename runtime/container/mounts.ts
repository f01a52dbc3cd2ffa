import { joinPaths } from "../../native/paths.ts";
import { UnikrunError } from "../error.ts";
import type { Mount, Spec } from "./oci.ts";

/** A mount that somebody wants in the guest. */
export interface GuestMount {
  /** Absolute, without "..". */
  readonly destination: string;
  readonly readOnly: boolean;
  /** A file, folder or device of the host, absolute; absent for a tmpfs. */
  readonly source?: string;
  /** Bytes, of a tmpfs whose size is said. */
  readonly size?: number;
}

/** What programs on Linux need and engines therefore always mount, and where. */
const LINUX_TYPES = ["proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2"];
const LINUX_PLACES = /^\/(dev|proc|sys)(\/|$)|^\/run\/\.containerenv$/;

/** The mounts of config.json that concern a guest. Throws UnikrunError for one that it can't be given. */
export function guestMounts(id: string, bundle: string, spec: Spec): GuestMount[] {
  return (spec.mounts ?? []).flatMap((mount): GuestMount[] => {
    const destination = joinPaths("/", mount.destination);
    if (isForLinux(mount, destination)) return [];
    if (destination === "/") {
      throw new UnikrunError(
        `Container ${id}: a unikernel's own files are at /, so nothing can be mounted there: mount ${mount.source ?? "it"} on a folder.`,
      );
    }
    const options = mount.options ?? [];
    const readOnly = options.findLast((option) => ["ro", "rw"].includes(option)) === "ro";
    if (isBind(mount) && mount.source !== undefined) {
      const source = mount.source.startsWith("/") ? mount.source : joinPaths(bundle, mount.source);
      return [{ destination, readOnly, source }];
    }
    if (mount.type === "tmpfs") {
      const size = sizeOf(options);
      return [{ destination, readOnly, ...(size === undefined ? {} : { size }) }];
    }
    throw new UnikrunError(
      `Container ${id}: its mount ${mount.destination} of type ${mount.type ?? "none"} can't be given to a unikernel: mount a folder, a file, a volume or a tmpfs there.`,
    );
  });
}

const isForLinux = ({ type = "" }: Mount, destination: string): boolean =>
  LINUX_TYPES.includes(type) ||
  LINUX_PLACES.test(destination) ||
  (destination === "/run" && type === "tmpfs");

const isBind = ({ type, options = [] }: Mount): boolean =>
  type === "bind" || options.some((option) => option === "bind" || option === "rbind");

/** As tmpfs(5) has it: bytes, or with k, m or g behind. A share of the host's memory means nothing here. */
function sizeOf(options: readonly string[]): number | undefined {
  const text = options.findLast((option) => option.startsWith("size="))?.slice(5);
  const [, digits = "", unit = ""] = /^(\d+)([kmg]?)$/i.exec(text ?? "") ?? [];
  if (digits === "") return undefined;
  const factor = { "": 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3 }[unit.toLowerCase()] ?? 1;
  return Number(digits) * factor;
}
