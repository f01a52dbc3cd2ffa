/** How a kernel and its command line come into the guest's memory: by init for our firmware, by QEMU's loader for SeaBIOS. */
import type { Directive } from "../../native/directives.ts";
import { UnikrunError } from "../error.ts";
import type { KernelImage } from "../guest/file/kernel-file.ts";
import type { BoardKind, Firmware } from "../guest/guest.ts";
import type { MonitorCommand } from "./monitor.ts";

export interface Kernel {
  /** Inside the root file system, or on the host. */
  readonly path: string;
  readonly onHost: boolean;
  readonly image: KernelImage;
  /** A path as the kernel's. */
  readonly initrd?: string;
}

/** The cage's names for what QEMU loads. */
const PATH = "guest/kernel";
const INITRD = "guest/initrd";

/** A disk that the machine boots from comes with its other disks. */
export function kernelDirectives(
  { loader }: Pick<BoardKind, "loader">,
  firmware: Firmware,
  kernel: Kernel,
): Directive[] {
  if (loader === "disk") return [];
  if (firmware === "unikrun") return loadedKernel(kernel);
  const file = (place: string, path: string): Directive => [
    kernel.onHost ? "bind" : "image-file",
    `${place} ${path}`,
  ];
  return [file(PATH, kernel.path), ...(kernel.initrd === undefined ? [] : [file(INITRD, kernel.initrd)])];
}

/** For init, which copies the pieces itself: the file does not come into the cage, and QEMU never reads it. */
function loadedKernel({ path, onHost, image }: Kernel): Directive[] {
  return [
    ["entry", String(image.entry)],
    ...image.pieces.map(({ offset, size, address }) => ["piece", `${offset} ${size} ${address}`] as const),
    ...(onHost ? [["kernel-on-host", ""] as const] : []),
    ["kernel", path],
  ];
}

/** What QEMU loads itself it loads when it makes the board, which waits for the command line. */
export const kernelArguments = (machine: {
  readonly board: Pick<BoardKind, "loader">;
  readonly firmware: Firmware;
  readonly hasInitrd: boolean;
}): string[] =>
  isLoadedByQemu(machine.board, machine.firmware)
    ? ["-kernel", `/${PATH}`, ...(machine.hasInitrd ? ["-initrd", `/${INITRD}`] : []), "-preconfig"]
    : [];

const isLoadedByQemu = ({ loader }: Pick<BoardKind, "loader">, firmware: Firmware): boolean =>
  loader !== "disk" && firmware !== "unikrun";

/** The commands by which QEMU goes on to make such a board. `bootArguments`: undefined for a guest that goes on from another's state. */
export const kernelCommands = (
  board: Pick<BoardKind, "loader">,
  firmware: Firmware,
  bootArguments: string | undefined,
): MonitorCommand[] =>
  !isLoadedByQemu(board, firmware)
    ? []
    : [
        ...(bootArguments === undefined ? [] : [appendCommand(bootArguments)]),
        { execute: "x-exit-preconfig" },
      ];

const appendCommand = (value: string): MonitorCommand => ({
  execute: "qom-set",
  arguments: { path: "/machine", property: "append", value },
});

/** Bytes that the text may have with its NUL (native/firmware/layout.h and multiboot.c). */
const ROOM = 0x80000 - 20;

/**
 * The command line as init writes it into the guest's memory for our firmware: the same bytes that QEMU makes of `-kernel` and
 * `-append`. Throws UnikrunError for text with a NUL, or too long.
 */
export function kernelLine(bootArguments: string): string {
  const text = `/${PATH} ${bootArguments}`;
  const length = Buffer.byteLength(text);
  if (text.includes("\0"))
    throw new UnikrunError("A kernel's command line can't have a NUL in it: take it out.");
  if (length < ROOM) return text;
  throw new UnikrunError(
    `A kernel's command line can't be longer than ${ROOM - 1} bytes, and this one has ${length}: shorten it.`,
  );
}
