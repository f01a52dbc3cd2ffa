/** What a container's machine read and wrote: of the host's devices, in runc's form, and of its guest's disks. */
import { askMachine } from "../../native/control.ts";
import { readMachine } from "./machine-record.ts";
import { type Container, containerFolder } from "./state.ts";

type Reader = (controller: string, name: string) => string | null;

interface Entry {
  readonly major: number;
  readonly minor: number;
  readonly op: string;
  readonly value: number;
}

/** Of cgroup version 1 (blkio.throttle.*) or 2 (io.stat): bytes, and operations. */
export function hostDevices(file: Reader, isLegacy: boolean) {
  if (!isLegacy) {
    const text = file("io", "io.stat");
    return {
      ioServiceBytesRecursive: unified(text, { rbytes: "Read", wbytes: "Write" }),
      ioServicedRecursive: unified(text, { rios: "Read", wios: "Write" }),
    };
  }
  const legacy = (what: string): Entry[] =>
    lines(
      file("blkio", `blkio.throttle.${what}_recursive`) ?? file("blkio", `blkio.throttle.${what}`),
    ).flatMap(([device, op = "", value]) =>
      value === undefined ? [] : [{ ...numbersOf(device), op, value: Number(value) }],
    );
  return { ioServiceBytesRecursive: legacy("io_service_bytes"), ioServicedRecursive: legacy("io_serviced") };
}

/** "8:0 rbytes=1 wbytes=2 …" */
function unified(text: string | null, names: Readonly<Record<string, string>>): Entry[] {
  return lines(text).flatMap(([device, ...fields]) =>
    fields.flatMap((field) => {
      const [name = "", value] = field.split("=");
      const op = names[name];
      return op === undefined ? [] : [{ ...numbersOf(device), op, value: Number(value) }];
    }),
  );
}

const lines = (text: string | null): string[][] =>
  (text ?? "")
    .split("\n")
    .filter((line) => /^\d+:\d+ /.test(line))
    .map((line) => line.split(" "));

function numbersOf(device = ""): { major: number; minor: number } {
  const [major = 0, minor = 0] = device.split(":").map(Number);
  return { major, minor };
}

interface Counters {
  readonly rd_bytes: number;
  readonly wr_bytes: number;
  readonly rd_operations: number;
  readonly wr_operations: number;
  readonly flush_operations: number;
}

/** The guest's disks, by where they are mounted in it; none of a machine that stands still or has just ended. */
export function guestDisks(root: string, container: Container) {
  const machine = readMachine(root, container.id);
  if (!machine || machine.disks.length === 0) return [];
  let answer: { "node-name"?: string; stats: Counters }[];
  try {
    answer = askMachine(containerFolder(root, container.id), {
      execute: "query-blockstats",
    }) as typeof answer;
  } catch {
    return [];
  }
  return machine.disks.flatMap(({ mountpoint }, index) => {
    const stats = answer.find((each) => each["node-name"] === `disk${index}`)?.stats;
    if (!stats) return [];
    return [
      {
        name: mountpoint ?? `disk ${index}`,
        readBytes: stats.rd_bytes,
        writtenBytes: stats.wr_bytes,
        reads: stats.rd_operations,
        writes: stats.wr_operations,
        flushes: stats.flush_operations,
      },
    ];
  });
}
