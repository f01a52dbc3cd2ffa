import { exists } from "../../native/files.ts";
import { openNetlink } from "../../native/netlink.ts";
import { deleteLink, listLinks } from "../../native/rtnetlink.ts";
import { deleteIngress, redirectTargets } from "../../native/traffic-control.ts";
import { inUserNamespace } from "../../native/user-namespace.ts";
import { alone, type Place } from "./alone.ts";
import { isLeftover } from "./claim.ts";
import { endLeading } from "./lead.ts";
import { endSharing } from "./share.ts";
import { isTapName, isTapOf, ownerOf } from "./taps.ts";

/**
 * Removes what a container's machine left in a network namespace that outlives it. Idempotent. `begun`: its start is at taking
 * every interface's ingress, or was killed at that, so that one without a filter is its own too.
 */
export function unwireNetwork(place: Place & { readonly begun: boolean }): void {
  const { netns, containerId, begun } = place;
  // A namespace that is gone took everything along.
  if (!exists(netns)) return;
  alone(place, () => {
    using netlink = openNetlink();
    endSharing(netlink, ownerOf(containerId));
    if (inUserNamespace()) endLeading(netlink);
    const links = listLinks(netlink);
    for (const { name, index } of links) {
      if (isTapOf(containerId, name)) deleteLink(netlink, index);
    }
    for (const { ethernet, loopback, name, index } of links) {
      if (!ethernet || loopback || isTapName(name)) continue;
      const mayBeOurs = begun || redirectTargets(netlink, index).length > 0;
      if (mayBeOurs && isLeftover(netlink, index)) deleteIngress(netlink, index);
    }
  });
}
