/** Which guests could not tell that they go on from one another: those whose kinds are the same. A kind is a hash, as there are secrets in it. */
import { readText, statusOfFile } from "../../../native/files.ts";
import type { Disk } from "../../disk/choose.ts";
import { describeDisks } from "../../disk/describe.ts";
import type { DiskOptions } from "../../disk/open.ts";
import { UnikrunError } from "../../error.ts";
import type { Nic } from "../../network/nics.ts";
import { openImageFile } from "../bundle/image-file.ts";
import type { Container, GuestRecord, QemuRecord } from "../record/container.ts";

/** What is known at create. */
export function kindOfBoard(options: {
  root: string;
  id: string;
  rootfs: string;
  guest: GuestRecord;
  board: QemuRecord;
}): string {
  const { root, rootfs, guest, board } = options;
  const { family, image, args, env, cwd, hostname, warm } = guest;
  const { qemu, accelerator, firmware, memoryMiB } = board;
  return hashOf([
    root,
    fileOf(process.execPath),
    readText("/proc/sys/kernel/osrelease"),
    fileOf(qemu),
    { accelerator, firmware, memoryMiB },
    { family, image, kernel: kernelOf(options.id, rootfs, guest) },
    // Engines tell a program its container's name.
    { args, env: env.filter((each) => each !== `HOSTNAME=${hostname}`), cwd, warm: warm?.port },
  ]);
}

/** What is known at start: its network but for its own addresses, and what is on its disks but for its own name. */
export function kindOfStart(
  container: Container,
  { mtu, addresses, gateways }: Nic,
  disks: readonly Disk[],
  options: DiskOptions,
): string {
  const [own] = addresses;
  const common = (path: string, text: string) =>
    withoutOwn(path, text, container.guest.hostname, own?.address);
  return hashOf([mtu, own?.prefix, gateways, describeDisks(disks, { ...options, common })]);
}

/** The lines of hosts(5) that say the container's own address, and its name. */
function withoutOwn(path: string, text: string, hostname = "", address = ""): string {
  if (path === "/etc/hostname") return text.trim() === hostname ? "" : text;
  if (path !== "/etc/hosts") return text;
  return text
    .split("\n")
    .filter((line) => line.trim().split(/\s+/)[0] !== address)
    .join("\n");
}

/** Of another file, or of this one when it has changed, it differs. */
function fileOf(path: string): string {
  const { device, inode, size, modified, changed } = statusOfFile(path);
  return [path, device, inode, size, modified, changed].join(" ");
}

function kernelOf(id: string, rootfs: string, { kernel, kernelOnHost, image }: GuestRecord): string {
  using file = openImageFile(kernelOnHost ? "/" : rootfs, kernel);
  if (!file) throw new UnikrunError(`Container ${id}: its unikernel ${kernel} is gone.`);
  const hasher = new Bun.CryptoHasher("sha256");
  for (const { offset, size } of image.pieces) hasher.update(file.read(offset, size));
  return hasher.digest("hex");
}

const LENGTH = 32;

const hashOf = (parts: readonly unknown[]): string =>
  new Bun.CryptoHasher("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, LENGTH);
