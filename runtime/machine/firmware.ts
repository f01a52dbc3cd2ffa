/** Which firmware a machine has, and how it comes into the VMM's cage. */
import type { Directive } from "../../native/directives.ts";
import type { Firmware } from "../guest/guest.ts";

/** In the cage; init makes it of what it carries. */
const PATH = "guest/firmware";

export const firmwareFile = (firmware: Firmware): Directive[] =>
  firmware === "unikrun" ? [["firmware", PATH]] : [];

/** SeaBIOS is what QEMU takes by itself. */
export const firmwareArguments = (firmware: Firmware): string[] =>
  firmware === "unikrun" ? ["-bios", `/${PATH}`] : [];
