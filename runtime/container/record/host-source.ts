import type { HostSource } from "../../disk/host-source.ts";
import type { GuestMount } from "../bundle/mounts.ts";
import type { Container } from "./container.ts";

/** What a mount with a source is made of, as its container's init holds it. */
export function hostSource(
  { pid }: Pick<Container, "pid">,
  { held, alone = false, maps }: GuestMount,
  source: string,
): HostSource {
  return {
    name: source,
    at: held ? `/proc/${pid}/fd/${held.descriptor}` : source,
    home: held?.home ?? source,
    recursive: !alone,
    maps,
  };
}
