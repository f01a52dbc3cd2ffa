/** A guest that goes on keeps the MAC addresses that it had; an engine may have given its container others. */
import { openNetlink } from "../../native/netlink.ts";
import { announceAddress } from "../../native/packet.ts";
import { inNetworkNamespace } from "../../native/process.ts";
import { setLinkAddress } from "../../native/rtnetlink.ts";
import { UnikrunError } from "../error.ts";
import type { BootNic } from "../guest/guest.ts";
import type { Nic } from "./nics.ts";

/** Throws UnikrunError where the namespace's interfaces don't have the addresses that the guest had. */
export function refuseOtherAddresses(
  containerId: string,
  had: readonly BootNic[],
  nics: readonly Nic[],
): void {
  if (had.length !== nics.length) {
    throw new UnikrunError(
      `Container ${containerId} can't be restored: its guest had ${had.length} network cards, and its network namespace has ${nics.length} interfaces: connect it to the networks that it had.`,
    );
  }
  for (const [card, { addresses }] of had.entries()) {
    const [wanted, given] = [shown(addresses), shown(nics[card]?.addresses ?? [])];
    if (wanted === given) continue;
    throw new UnikrunError(
      `Container ${containerId} can't be restored: its guest has the address ${wanted}, and its container has ${given} now: give it the same again (docker network connect --ip, or docker create --ip).`,
    );
  }
}

const shown = (addresses: BootNic["addresses"]): string =>
  addresses
    .map(({ address, prefix }) => `${address}/${prefix}`)
    .sort()
    .join(" and ") || "none";

/** Gives the interfaces the MAC addresses that the guest had, and tells the neighbours. */
export function adoptAddresses(netns: string, had: readonly BootNic[], nics: readonly Nic[]): void {
  const changed = nics.flatMap((nic, card) => {
    const mac = had[card]?.mac ?? nic.mac;
    return mac === nic.mac ? [] : [{ nic, mac }];
  });
  if (changed.length === 0) return;
  inNetworkNamespace(netns, () => {
    using netlink = openNetlink();
    for (const { nic, mac } of changed) {
      setLinkAddress(netlink, { index: nic.link.index, mac });
      for (const { family, address } of nic.addresses)
        if (family === 4) announceAddress({ index: nic.link.index, mac, address });
    }
  });
}
