import type { DeviceCheck } from "../../disk/host-image.ts";
import { mayOpen } from "../cgroup/devices.ts";
import type { Container } from "./container.ts";

/** Whether a container's guest may have a block device as a disk, by linux.resources.devices as it was at create. */
export function mayHaveDisk({ guest }: Pick<Container, "guest">): DeviceCheck {
  return (node, access) => mayOpen(guest.devices ?? [], { type: "b", node }, access);
}
