import { familyNamed } from "../../guest/detect.ts";
import { probeHost } from "../../machine/probe.ts";
import { decideMemory, makeBoard } from "../boot/board.ts";
import { type Container, imageRoot } from "../record/container.ts";
import { writeContainer } from "../record/store.ts";

/**
 * What a created container is with another limit of memory (bytes; 0 and less: none), as if it had been created with it. Throws UnikrunError
 * for one with which its guest could not be.
 */
export async function resized(root: string, container: Container, limit: number): Promise<Container> {
  const { id, board } = container;
  const rootfs = imageRoot(container);
  const { memoryLimit: _, ...rest } = container.guest;
  const guest = limit > 0 ? { ...rest, memoryLimit: limit } : rest;
  const family = familyNamed(guest.family);
  if (board.tender !== undefined) {
    const memoryMiB = decideMemory({ id, family, guest, vmm: "tender" });
    return { ...container, guest, board: { ...board, memoryMiB } };
  }
  const { kind, incoming, ...own } = board;
  // One that is being restored has the memory that it was saved with.
  const wanted = incoming && kind === undefined ? board.memoryMiB : undefined;
  const memoryMiB = decideMemory({ id, family, guest, vmm: board.accelerator, wanted });
  if (memoryMiB === board.memoryMiB) return { ...container, guest };
  const plain = { ...own, memoryMiB };
  if (kind === undefined) return { ...container, guest, board: plain };
  const { boardForTemplate } = await import("../warm/resume.ts");
  return { ...container, guest, board: boardForTemplate({ root, id, rootfs, guest, board: plain }) };
}

/** Makes it so: its VMM is exchanged for one with such a board. */
export async function keepResized(root: string, before: Container, container: Container): Promise<void> {
  writeContainer(root, container);
  const { board } = container;
  if (board.tender !== undefined || board.memoryMiB === before.board.memoryMiB) return;
  const family = familyNamed(container.guest.family);
  await makeBoard({ root, container, family, host: probeHost(board.qemu).host });
}
