/** All that `unikrun status` says of a container, whatever state it is in. */
import type { Nic } from "../../network/nics.ts";
import { guestNics } from "../../network/visit.ts";
import { boardOf, type Container, netnsOf } from "../record/container.ts";
import { type Exit, exitOf } from "../record/exit.ts";
import { canUpdate, pidOf, type Status, statusOf } from "../record/status.ts";
import { limitsOf } from "./limits.ts";
import { memoryUse } from "./memory-use.ts";
import { traceOrNull } from "./trace.ts";

export type StatusFacts = ReturnType<typeof statusFacts>;

/** Numbers are bytes, or as limits.ts has them; null is what is not known, or not so. */
export function statusFacts(root: string, container: Container) {
  const { id, created, guest } = container;
  const status = statusOf(root, container);
  const board = boardOf(container);
  const own = limitsOf(container);
  return {
    id,
    status,
    guest: guest.family,
    kernel: guest.kernel,
    arguments: guest.args,
    pid: pidOf(container, status),
    created,
    memory: board && board.memoryMiB * 2 ** 20,
    memoryUse: memoryUse(container),
    accelerator: board?.accelerator ?? null,
    emulated: board?.emulated ?? null,
    limits: own?.limits ?? null,
    throttling: own?.throttling ?? null,
    exit: lastExit(root, container, status),
    trace: traceOrNull(root, container),
    cards: canUpdate(status) ? cardsOf(container) : [],
  };
}

const lastExit = (root: string, container: Container, status: Status): Exit | null =>
  status === "stopped" ? exitOf(root, container) : null;

const cardsOf = (container: Container) =>
  seenNics(container).map(({ link, mac, mtu, addresses }) => ({
    interface: link.name,
    mac,
    mtu,
    addresses: addresses.map(({ address, prefix }) => `${address}/${prefix}`),
  }));

/** An ordinary user can't look into the network namespaces of his own containers: those are his engine's user namespace's. */
function seenNics(container: Container): Nic[] {
  try {
    return guestNics({ netns: netnsOf(container), containerId: container.id });
  } catch (error) {
    if (process.geteuid?.() !== 0) return [];
    throw error;
  }
}
