/** The folder of a volume: opened once, and everything that is asked of it and done in it goes by that descriptor. */
import { type Status, statusOfFile } from "../../native/files.ts";
import { O_PATH, openPath, owned } from "../../native/libc.ts";
import { openDetached } from "../../native/mounts.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import type { HostSource } from "./host-source.ts";
import type { Root } from "./root.ts";

export interface VolumeFolder extends Root, Disposable {
  readonly home: string;
  readonly recursive: boolean;
  readonly identity: string;
}

/** Throws UnikrunError. */
export function openVolumeFolder({ name, at, home, recursive, maps }: HostSource): VolumeFolder {
  using opened = new DisposableStack();
  try {
    // What is held for a container is a mount of its own already.
    const folder = opened.use(at === name ? openDetached(at, { recursive }) : owned(openPath(at, O_PATH)));
    const status = statusOfFile(folder.fd);
    if (!status.isFolder) throw new Error("it is no folder");
    const all = opened.move();
    return {
      fd: folder.fd,
      name,
      home,
      recursive,
      maps,
      identity: identityOf(status),
      [Symbol.dispose]: () => all.dispose(),
    };
  } catch (cause) {
    throw new UnikrunError(`The volume ${name} can't be opened (${reasonOf(cause)}).`, { cause });
  }
}

/** Which folder it is, by whatever path: device, inode, and when it was made, since inodes are used again. */
export const identityOf = ({ device, inode, born }: Status): string => `${device} ${inode} ${born}`;

/** Also of one whose device has another number since the host was booted, and of one that an older unikrun wrote down. */
export function isSameFolder(one: string, other: string): boolean {
  const [device, inode, born = "0"] = one.split(" ");
  const [otherDevice, otherInode, otherBorn = "0"] = other.split(" ");
  if (inode !== otherInode) return false;
  const isKnown = born !== "0" && otherBorn !== "0";
  return isKnown ? born === otherBorn : device === otherDevice;
}
