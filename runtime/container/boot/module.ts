import { UnikrunError } from "../../error.ts";
import type { Container } from "../record/container.ts";

/** Where a guest's files go in its memory: the first page behind the kernel. Throws UnikrunError where that many bytes have no room there. */
export function moduleAddress({ id, guest, board }: Container, size: number): number {
  const PAGE = 4096;
  const address = Math.ceil(guest.image.end / PAGE) * PAGE;
  const end = Math.ceil((address + size) / 2 ** 20);
  if (end <= board.memoryMiB) return address;
  throw new UnikrunError(
    `Container ${id} can't be started: its guest has its files in its memory, which take ${Math.ceil(size / 2 ** 20)} MiB, ${end} with its kernel, and it has ${board.memoryMiB} MiB: give it several times as much (org.unikrun.memory, or a larger limit), or fewer files ("disks" in /unikrun.json).`,
  );
}
