/** System calls about a running rump kernel's files (sys/sys/{fcntl,statvfs,reboot}.h of NetBSD). */
import type { Directive } from "../../../native/directives.ts";
import { CALL, call, ERROR, FIRST, memory, SECOND, tolerate } from "./calls.ts";

/** Has the tool print a file. A folder would be read, too, as it is on its disk. */
export const fileCalls = (address: string, path: string): Directive[] => [
  ["connect", address],
  memory(FIRST, Buffer.from(`${path}\0`)),
  tolerate(ERROR.noEntry, ERROR.noFolder),
  call(CALL.open, FIRST, IS_FOLDER, 0),
  ["about", path],
  ["unless", "Is a directory"],
  ...openCalls(path, 0),
  ["each", `bytes ${SECOND} ${CALL.read} @-1 ${SECOND} ${PIECE}`],
];

/** Has the tool print the names in a folder. */
export const folderCalls = (address: string, path: string): Directive[] => [
  ["connect", address],
  ["about", path],
  ...openCalls(path, IS_FOLDER),
  ["each", `names ${SECOND} ${CALL.getdents} @-1 ${SECOND} ${PIECE}`],
];

/** For open(2). */
const IS_FOLDER = 0x20_0000;

/** Has the tool print its file systems, seven at most. */
export function fileSystemCalls(address: string): Directive[] {
  const [ROOM, WAIT] = [7 * 2256, 1];
  return [
    ["connect", address],
    ["room", `${SECOND} ${ROOM}`],
    call(CALL.getvfsstat, SECOND, ROOM, WAIT),
    ["systems", String(SECOND)],
  ];
}

/** Bytes that a call reads. */
const PIECE = 8192;

const openCalls = (path: string, flags: number): Directive[] => [
  memory(FIRST, Buffer.from(`${path}\0`)),
  call(CALL.open, FIRST, flags, 0),
  ["room", `${SECOND} ${PIECE}`],
];

/** What it has in memory of its disks is on them when the tool has ended. */
export const flushCalls = (address: string): Directive[] => [["connect", address], call(CALL.sync)];

/** It unmounts its file systems then, and halts. */
export function stopCalls(address: string): Directive[] {
  const NO_FLAGS = 0;
  return [...flushCalls(address), ["last", `${CALL.reboot} ${NO_FLAGS} 0`]];
}
