/** IPsec's policies of the network namespace that this thread is in (linux/xfrm.h). */
import { askPart } from "./kernel-part.ts";
import { NETLINK_XFRM, openNetlink } from "./netlink.ts";

/** How many there are. Throws an Error with `code`. */
export function countPolicies(): number {
  const XFRM_MSG_GETPOLICY = 0x15;
  const policies = askPart("xfrm_user", () => {
    using netlink = openNetlink(NETLINK_XFRM);
    return netlink.dump({ type: XFRM_MSG_GETPOLICY, body: Buffer.alloc(0), what: "list IPsec's policies" });
  });
  return policies.length;
}
