import { type Descriptor, errorCode } from "../../native/libc.ts";
import { openTap } from "../../native/tun.ts";
import { reasonOf, UnikrunError } from "../error.ts";

/** Throws UnikrunError with what to do where it can't be had. */
export function makeTap(name: string, containerId: string, headers: boolean): Descriptor {
  const deadline = performance.now() + 2000;
  for (;;) {
    try {
      return openTap(name, { headers });
    } catch (cause) {
      // The machine before us in this namespace may still be dying.
      if (errorCode(cause) === "EBUSY" && performance.now() < deadline) {
        Bun.sleepSync(10);
        continue;
      }
      const advice =
        errorCode(cause) === "ENOENT"
          ? "load the kernel's tun module (modprobe tun)"
          : "see whether /dev/net/tun can be used here";
      throw new UnikrunError(
        `Container ${containerId}: the tap ${name} can't be made (${reasonOf(cause)}): ${advice}.`,
        { cause },
      );
    }
  }
}
