/** The disks of a container's guest: from its record to open descriptors. */
import { chooseDisks, type Disk } from "../../disk/choose.ts";
import { kindOfSource } from "../../disk/host-image.ts";
import { type DiskOptions, type OpenDisk, type OpenDisks, openDisks } from "../../disk/open.ts";
import { openText } from "../../disk/read-only.ts";
import { SCRATCH_BYTES } from "../../disk/scratch.ts";
import { namedDisks, usualDisks } from "../../disk/wanted.ts";
import { UnikrunError } from "../../error.ts";
import { withResolver } from "../../network/resolv-conf.ts";
import type { Resolver } from "../../network/resolver.ts";
import type { Container } from "../record/container.ts";
import type { ResolvConf } from "./network.ts";

export interface GuestDiskOptions {
  readonly container: Container;
  readonly resolvConf: ResolvConf;
  readonly resolver: Resolver | undefined;
  /** Files that are part of the kernel. */
  readonly builtIn: ReadonlyMap<string, Buffer>;
  readonly limit: number;
}

/** Throws UnikrunError for what no disk can be made of, and for more disks than the guest can drive. */
export const openGuestDisks = (options: GuestDiskOptions): OpenDisks =>
  openDisks(chooseGuestDisks(options), diskOptions(options));

export function chooseGuestDisks({ container, limit }: GuestDiskOptions): Disk[] {
  const { id, rootfs, guest } = container;
  const wanted = guest.disks ? namedDisks(id, rootfs, guest.disks) : usualDisks(rootfs, guest.kernel);
  const disks = chooseDisks(
    id,
    wanted,
    guest.mounts.map(({ destination, readOnly, source, size }) => ({
      destination,
      readOnly,
      source:
        source === undefined
          ? { kind: "nothing", bytes: size ?? SCRATCH_BYTES }
          : { kind: kindOfSource(id, source, destination), path: source },
    })),
  );
  if (disks.length > limit) {
    const places = disks.map(({ mountpoint }) => mountpoint ?? "one that is attached only");
    throw new UnikrunError(
      `Container ${id}: its guest can drive ${limit} disks, and it would get ${disks.length} (${places.join(", ")}): mount fewer folders, or name those of the image in /unikrun.json.`,
    );
  }
  return disks;
}

export function diskOptions({ container, resolvConf, resolver, builtIn }: GuestDiskOptions): DiskOptions {
  const { id, rootfs, guest } = container;
  const text = resolver && withResolver(resolvConf.text, resolver.address);
  return {
    containerId: id,
    rootfs,
    store: guest.store,
    limit: guest.cacheBytes,
    volumeBytes: guest.volumeBytes,
    builtIn,
    texts: new Map(text !== undefined && resolvConf.source ? [[resolvConf.source, text]] : []),
  };
}

/** A disk of one file. */
export function openSingleFile(file: { path: string; text: string }): OpenDisk & Disposable {
  const image = openText(file.path, file.text);
  return {
    fd: image.fd,
    readOnly: true,
    format: "raw",
    isDevice: false,
    kind: "tree",
    [Symbol.dispose]: () => image[Symbol.dispose](),
  };
}
