import { joinMaps } from "../../../native/id-maps.ts";
import { joinPaths } from "../../../native/paths.ts";
import { EVERY_ID, type IdMaps } from "../../../native/user-namespace.ts";
import type { Scratch } from "../../disk/scratch.ts";
import { UnikrunError } from "../../error.ts";
import { isFolderOfSecrets, isUsualMount } from "../engines/every-container.ts";
import type { Mount, Spec } from "../spec/oci.ts";
import { RECURSIVE_ACCESS, SIMPLE_ACCESS } from "../spec/spec.ts";
import { overlayOf } from "./overlay.ts";
import { tmpfsOf } from "./tmpfs.ts";
import { rangesOf } from "./users.ts";

/** A mount that somebody wants in the guest. */
export interface GuestMount {
  /** Absolute, without "..". */
  readonly destination: string;
  readonly readOnly: boolean;
  /** A file, folder or device of the host, absolute; absent for a tmpfs. */
  readonly source?: string;
  /** Without what is mounted below it: a bind that is not recursive. */
  readonly alone?: boolean;
  /** How init holds the source, where it does. */
  readonly held?: HeldSource;
  readonly tmpfs?: Scratch;
  /** What the source is made of, where it is no file or folder itself; what is written is gone with the machine. */
  readonly layers?: readonly string[];
  /** Of its files' owners (HostSource). */
  readonly maps?: IdMaps;
}

/** A file or folder that init holds from `create` on, since what the engine names may be a mount that goes before the container does. */
export interface HeldSource {
  readonly descriptor: number;
  /** A path that lasts, of a folder that is brought back when init holds nothing any more. */
  readonly home?: string;
  /** Which folder it is then (volume-folder.ts). */
  readonly folder?: string;
}

/** The mounts of config.json that concern a guest; `users` as the container's. Throws UnikrunError for one that it can't be given. */
export function guestMounts(id: string, bundle: string, spec: Spec, users?: IdMaps): GuestMount[] {
  const places = (spec.mounts ?? []).map(({ destination }) => joinPaths("/", destination));
  return (spec.mounts ?? []).flatMap((mount): GuestMount[] => {
    const destination = joinPaths("/", mount.destination);
    if (isUsualMount(mount, destination)) return [];
    if (destination === "/") {
      throw new UnikrunError(
        `Container ${id}: a unikernel's own files are at /, so nothing can be mounted there: mount ${mount.source ?? "it"} on a folder.`,
      );
    }
    const options = mount.options ?? [];
    const maps = mapsOf(id, mount, users);
    const readOnly = isReadOnly(options) || isFolderOfSecrets(destination, places);
    if (isBind(mount) && mount.source !== undefined) {
      const source = mount.source.startsWith("/") ? mount.source : joinPaths(bundle, mount.source);
      return [
        {
          destination,
          readOnly,
          source,
          ...mapped(maps),
          ...(options.includes("rbind") ? {} : { alone: true }),
        },
      ];
    }
    if (mount.type === "tmpfs") {
      const limit = spec.linux?.resources?.memory?.limit;
      return [{ destination, readOnly, tmpfs: tmpfsOf({ id, destination, words: options, limit }) }];
    }
    if (mount.type === "overlay") {
      const { layers, isWritable } = overlayOf(id, destination, options);
      const source = mount.source ?? "overlay";
      return [{ destination, readOnly: readOnly || !isWritable, source, ...mapped(maps), layers }];
    }
    throw new UnikrunError(
      `Container ${id}: its mount ${mount.destination} of type ${mount.type ?? "none"} can't be given to a unikernel: mount a folder, a file, a volume or a tmpfs there.`,
    );
  });
}

/** The last word counts. A guest's disk has all that is below a folder, so nothing there is less read-only than the rest. */
function isReadOnly(options: readonly string[]): boolean {
  const last = (words: readonly string[]): string | undefined =>
    options.findLast((option) => words.includes(option));
  return (last(RECURSIVE_ACCESS) ?? last(SIMPLE_ACCESS) ?? "rw").endsWith("ro");
}

const mapped = (maps: IdMaps | undefined): { maps?: IdMaps } => (maps ? { maps } : {});

const EVERYBODY: IdMaps = { uids: EVERY_ID, gids: EVERY_ID };

/** An idmapped mount (mount_setattr(2)) turns the file system's ids into the host's, which the container's namespace has names for. */
function mapsOf(id: string, mount: Mount, users: IdMaps | undefined): IdMaps | undefined {
  const { destination, options = [], uidMappings = [], gidMappings = [] } = mount;
  const option = options.find((each) => /^r?idmap(=|$)/.test(each));
  if (option === undefined && uidMappings.length === 0) return users;
  const own = uidMappings.length > 0 ? { uids: rangesOf(uidMappings), gids: rangesOf(gidMappings) } : users;
  if (option?.includes("=") || !own)
    throw new UnikrunError(
      `Container ${id}: whom the users of its mount ${destination} are mapped to (idmap) is not said in its uidMappings and gidMappings: add them, or mount it without.`,
    );
  if (!isBind(mount))
    throw new UnikrunError(
      `Container ${id}: the users of its mount ${destination} can't be mapped (idmap), since it is no bind mount: mount it without.`,
    );
  return joinMaps(users ?? EVERYBODY, own);
}

const isBind = ({ type, options = [] }: Mount): boolean =>
  type === "bind" || options.some((option) => option === "bind" || option === "rbind");
