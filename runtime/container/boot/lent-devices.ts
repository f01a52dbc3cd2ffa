/** What the VMM of a container with a user namespace has that can't be made in there. */
import { openDeviceNodes } from "../../../native/device-nodes.ts";
import type { Directive } from "../../../native/directives.ts";
import { idOutside } from "../../../native/id-maps.ts";
import type { Descriptor } from "../../../native/libc.ts";
import { inUserNamespace } from "../../../native/user-namespace.ts";
import { type Container, uidOf } from "../record/container.ts";

/** The device nodes that a plan asks for, behind all its other descriptors; undefined where init makes them, or can but show the host's. */
export function lendDevices(
  container: Pick<Container, "pid" | "guest">,
  plan: Directive[],
): Descriptor | undefined {
  const { users } = container.guest;
  const owner = users && idOutside(users.uids, uidOf("vmm", container));
  if (owner === undefined || owner === null || inUserNamespace()) return undefined;
  const devices = plan.flatMap(([word, value]) =>
    word === "device" ? [value.slice(value.indexOf(" ") + 1)] : [],
  );
  plan.push(["devices", ""]);
  return openDeviceNodes(devices, owner);
}
