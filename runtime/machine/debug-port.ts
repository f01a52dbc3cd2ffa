/** A port by which a guest ends its machine: QEMU's exit status is then twice the byte that it writes, and 1 (its docs/specs). */

import type { Directive } from "../../native/directives.ts";
import type { BoardKind, DebugCode } from "../guest/guest.ts";
import { qemuOption } from "./option.ts";

export const debugArguments = ({ debugPort }: Pick<BoardKind, "debugPort">): string[] =>
  debugPort === undefined
    ? []
    : ["-device", qemuOption("isa-debug-exit", { iobase: `0x${debugPort.toString(16)}`, iosize: 4 })];

/** For init: "VALUE CODE LEAST", where `*` is any value, and the code is a number, `#` for the byte, or `said` (native/init/ending.c). */
export const debugDirectives = (codes: readonly DebugCode[]): Directive[] =>
  codes.map(({ value, code, atLeast }) => ["debug-code", `${value ?? "*"} ${code} ${atLeast ?? 0}`] as const);
