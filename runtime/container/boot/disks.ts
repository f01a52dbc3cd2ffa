/** The disks of a container's guest: from its record to open descriptors. */
import type { BootDiskOptions } from "../../disk/boot-disk.ts";
import { chooseDisks, type Disk, type KnownMount, type WantedDisk } from "../../disk/choose.ts";
import { chooseBlocks } from "../../disk/choose-blocks.ts";
import { kindOfSource } from "../../disk/host-image.ts";
import { type HostSource, pathSource } from "../../disk/host-source.ts";
import { type Initrd, openInitrd, ROOT } from "../../disk/initrd.ts";
import { type DiskOptions, type OpenDisk, type OpenDisks, openDisks } from "../../disk/open.ts";
import { openText } from "../../disk/read-only.ts";
import { namedDisks, usualDisks } from "../../disk/wanted.ts";
import { UnikrunError } from "../../error.ts";
import { type DeviceKind, type GuestFamily, type KernelTraits, namesOfDeclared } from "../../guest/guest.ts";
import { withResolver } from "../../network/resolv-conf.ts";
import type { Resolver } from "../../network/resolver.ts";
import { podTitle } from "../engines/pod-title.ts";
import { type Container, imageRoot } from "../record/container.ts";
import { mayHaveDisk } from "../record/devices.ts";
import { writerAmong } from "../record/disk-writer.ts";
import { hostSource } from "../record/host-source.ts";
import { IMAGE_SETTINGS } from "../settings/guest.ts";
import { moduleAddress } from "./module.ts";
import type { ResolvConf } from "./network.ts";

export interface GuestDiskOptions {
  /** Of the containers. */
  readonly root: string;
  readonly container: Container;
  readonly resolvConf: ResolvConf;
  readonly resolver: Resolver | undefined;
  readonly family: GuestFamily;
  readonly traits: KernelTraits;
}

export interface GuestDisks {
  readonly disks: readonly Disk[];
  readonly options: DiskOptions;
}

export interface OpenStorage extends OpenDisks {
  /** The files of a guest that has them in its memory. */
  readonly initrd?: Initrd;
}

/** Throws UnikrunError for what no disk can be made of, and for more disks than the guest can drive. */
export function openGuestDisks(from: GuestDiskOptions): OpenStorage {
  const { disks, options } = chooseGuestDisks(from);
  if (from.family.devices.disks !== "initrd") return openDisks(disks, options);
  const { id, guest } = from.container;
  if (from.traits.takesFiles === false) {
    const wanted = guest.mounts.find(({ destination }) => !ENGINE_FILES.includes(destination));
    if (!wanted) return openDisks([], options);
    throw new UnikrunError(
      `Container ${id}: its unikernel ${guest.kernel} takes no files from an initrd (it was built with its own, or without), so it can't be given ${wanted.destination}: build it to take them, or do without.`,
    );
  }
  const initrd = openInitrd(disks, {
    ...options,
    without: [...(guest.kernelOnHost ? [] : [guest.kernel]), ...OWN_FILES],
    // Before it is made: the names of one large file are files of their own in it.
    judge: (size) => void moduleAddress(from.container, size),
  });
  return { list: [], initrd, [Symbol.dispose]: () => initrd[Symbol.dispose]() };
}

/** Engines mount these everywhere, and what they say can be told otherwise. */
const ENGINE_FILES = ["/etc/hostname", "/etc/hosts", "/etc/resolv.conf"];

/** Of an image, which are no business of its guest's. */
const OWN_FILES = [IMAGE_SETTINGS, "/.dockerenv"];

/** Throws UnikrunError as openGuestDisks does, but for what is found out only where a disk is opened. */
export function chooseGuestDisks(from: GuestDiskOptions): GuestDisks {
  const { root, container, resolvConf, resolver, family, traits } = from;
  const { id, guest } = container;
  const rootfs = imageRoot(container);
  const limit = family.limits.disks;
  const wanted = guest.disks
    ? namedDisks(id, rootfs, guest.disks).map((each) =>
        each.mountpoint === "/" ? { ...each, mountpoint: ROOT } : each,
      )
    : wantedByKind(family.devices.disks, rootfs, guest.kernel);
  const sources = new Map<string, HostSource>();
  const known = guest.mounts.map((mount): KnownMount => {
    const { destination, readOnly, source: path, tmpfs, layers } = mount;
    if (path === undefined) return { destination, readOnly, source: { ...tmpfs, kind: "nothing" } };
    const source = hostSource(container, mount, path);
    sources.set(source.at, source);
    if (layers && !readOnly) return { destination, readOnly, source: { kind: "nothing", copyOf: source.at } };
    return {
      destination,
      readOnly,
      source: { kind: kindOfSource(id, source, destination), path: source.at },
    };
  });
  const isFolders = family.devices.disks === "folders" || family.devices.disks === "initrd";
  const disks = isFolders
    ? chooseDisks(id, wanted, known)
    : chooseBlocks({
        id,
        family: family.name,
        kernel: guest.kernel,
        wanted,
        mounts: known,
        declared: traits.declared && namesOfDeclared(traits.declared, "disk"),
      });
  if (disks.length > limit && family.devices.disks !== "initrd") {
    const places = disks.map(({ mountpoint }) => mountpoint ?? "one that is attached only");
    throw new UnikrunError(
      `Container ${id}: its guest can drive ${limit} disks, and it would get ${disks.length} (${places.join(", ")}): mount fewer folders, or name those of the image in /unikrun.json.`,
    );
  }
  const text = resolver && withResolver(resolvConf.text, resolver.address);
  const options: DiskOptions = {
    containerId: id,
    title: podTitle(container.annotations),
    rootfs,
    maps: guest.users,
    sourceAt: (at) => sources.get(at) ?? pathSource(at),
    store: guest.store,
    limit: guest.cacheBytes,
    volumeBytes: guest.volumeBytes,
    mayOpen: mayHaveDisk(container),
    writerOf: writerAmong(root),
    builtIn: traits.files,
    texts: new Map(text !== undefined && resolvConf.source ? [[resolvConf.source, text]] : []),
  };
  return { disks, options };
}

/** What a guest has of an image whose settings do not say it. */
function wantedByKind(kind: DeviceKind["disks"], rootfs: string, kernel: string): WantedDisk[] {
  switch (kind) {
    case "folders":
      return usualDisks(rootfs, kernel);
    case "initrd":
      return [{ path: "/", kind: "folder", mountpoint: ROOT }];
    case "blocks":
    case "none":
      return [];
  }
}

/** Whether its guest writes what is there after it. Throws UnikrunError for a mount that can't be had. */
export const writesWhatStays = (container: Container): boolean =>
  container.guest.mounts.some((mount) => {
    const { source, readOnly, layers, destination } = mount;
    if (source === undefined || readOnly || layers) return false;
    return kindOfSource(container.id, hostSource(container, mount, source), destination) !== "file";
  });

/** The disk that a container's machine boots from, of a family that is a disk. */
export const ownDisk = (container: Container): BootDiskOptions => ({
  containerId: container.id,
  root: container.guest.kernelOnHost ? "/" : imageRoot(container),
  path: container.guest.kernel,
  store: container.guest.store,
});

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
