/** A guest that goes on from another is told who it is now. */

import type { BootNic } from "../../guest/guest.ts";
import { adoptAddresses } from "../../network/adopt.ts";
import type { Nic } from "../../network/nics.ts";
import { type Container, netnsOf } from "../record/container.ts";

/** Why it can't be told, a clause; null where it can. */
export function whyUntold(from: BootNic, to: BootNic): string | null {
  const [had, has] = [from.addresses[0]?.address, to.addresses[0]?.address];
  return had === has ? null : `the guest that it would go on from has the address ${had}, and it has ${has}`;
}

export async function tellIdentity(
  container: Container,
  { from, to }: { readonly from: BootNic; readonly to: Nic },
): Promise<void> {
  adoptAddresses(netnsOf(container), [from], [to]);
}
