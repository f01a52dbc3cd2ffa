/** System calls in a running guest's kernel. */
import type { Directive } from "../../../native/directives.ts";
import { askTool } from "../../../native/init.ts";
import { PROXY_PORT } from "../../network/shut.ts";
import type { Visit } from "../../network/visit.ts";
import type { Container } from "../record/container.ts";
import { besideMachine } from "./beside-machine.ts";

/** What the tool that makes them is told (native/init/exec/proxy.c); it gives up after so many milliseconds. */
export const kernelDirectives = (way: Visit, patience: number, calls: readonly Directive[]): Directive[] => [
  ["tool", "proxy"],
  ["timeout", String(patience)],
  ["name", "the guest's system calls"],
  ["port", String(PROXY_PORT)],
  ["own-address", way.ownAddress],
  ["guest-address", way.guestAddress],
  ["guest-mac", way.guestMac],
  ["mtu", String(way.mtu)],
  ...calls,
];

/** What the tool prints. Throws an Error with what it complains of. */
export const askKernel = (
  container: Container,
  way: Visit,
  patience: number,
  calls: readonly Directive[],
): Promise<string> =>
  askTool(way.tap, [...besideMachine(container), ...kernelDirectives(way, patience, calls)]);
