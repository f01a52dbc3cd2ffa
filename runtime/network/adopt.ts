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
  for (const [card, { addresses, gateways, mtu }] of had.entries()) {
    const given = nics[card];
    const refuse = (what: string, was: string, is: string, advice: string): void => {
      if (was === is) return;
      throw new UnikrunError(
        `Container ${containerId} can't be restored: its guest has the ${what} ${was}, and its container has ${is} now: ${advice}.`,
      );
    };
    const addressesOf = (nic: BootNic["addresses"] = []) =>
      nic.map((each) => `${each.address}/${each.prefix}`);
    const gatewaysOf = (nic: BootNic["gateways"] = []) => nic.map((each) => each.address);
    refuse(
      "address",
      shown(addressesOf(addresses)),
      shown(addressesOf(given?.addresses)),
      "give it the same again (docker network connect --ip, or docker create --ip)",
    );
    const network = "connect it to the network that it had";
    refuse("gateway", shown(gatewaysOf(gateways)), shown(gatewaysOf(given?.gateways)), network);
    refuse("MTU", String(mtu), String(given?.mtu), network);
  }
}

const shown = (list: readonly string[]): string => [...list].sort().join(" and ") || "none";

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
      for (const { address } of nic.addresses) announceAddress({ index: nic.link.index, mac, address });
    }
  });
}
