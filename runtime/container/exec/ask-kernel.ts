/** System calls in a running guest's kernel. */
import type { Directive } from "../../../native/directives.ts";
import { askTool } from "../../../native/init.ts";
import { PROXY_PORT } from "../../network/shut.ts";
import type { Visit } from "../../network/visit.ts";
import type { Container } from "../record/container.ts";
import { besideMachine } from "./beside-machine.ts";

/** What the tool prints (native/init/exec/proxy.c), which gives up after so many milliseconds. Throws an Error with what it says. */
export const askKernel = (
  container: Container,
  way: Visit,
  patience: number,
  calls: readonly Directive[],
): Promise<string> =>
  askTool(way.tap, [
    ...besideMachine(container),
    ["tool", "proxy"],
    ["timeout", String(patience)],
    ["name", "the guest's system calls"],
    ["port", String(PROXY_PORT)],
    ["own-address", way.ownAddress],
    ["guest-address", way.guestAddress],
    ["guest-mac", way.guestMac],
    ["mtu", String(way.mtu)],
    ...calls,
  ]);
