/** What our caller gave this process, as it was before Bun came: another program that takes our place gets it so. */
import { read } from "bun:ffi";
import { listFolder, readBytesOrNull, readLink, readTextOrNull } from "./files.ts";
import { setInheritable } from "./libc.ts";
import { limitFiles, setIgnored } from "./process.ts";
import { SIGPIPE, SIGXFSZ } from "./signals.ts";

/** Arguments after the program's own name, and variables: bytes, which need be no UTF-8, nor NAME=VALUE, nor unique. */
export function callersWords(): { args: Buffer[]; environment: Buffer[] } {
  const args = words("/proc/self/cmdline") ?? [Buffer.alloc(0), ...process.argv.slice(2).map(Buffer.from)];
  const environment =
    words("/proc/self/environ") ??
    Object.entries(process.env).map(([name, value]) => Buffer.from(`${name}=${value}`));
  return { args: args.slice(1), environment: environment.map(unhide) };
}

/** Each ends with a NUL character. */
function words(file: string): Buffer[] | null {
  const bytes = readBytesOrNull(file);
  if (!bytes) return null;
  const found: Buffer[] = [];
  for (let at = 0, end = 0; at < bytes.length; at = end + 1) {
    end = bytes.indexOf(0, at);
    if (end < 0) end = bytes.length;
    found.push(bytes.subarray(at, end));
  }
  return found;
}

/** entry/entry.c hid some variables from Bun: their first letter has bit 6 changed. */
function unhide(variable: Buffer): Buffer {
  const whole = Buffer.from(variable);
  whole[0] = (whole[0] ?? 0) ^ 0x40;
  return /^(BUN|MIMALLOC|NODE|JSC|WTF)_/i.test(whole.toString("latin1", 0, 16)) ? whole : variable;
}

/** Sets back what Bun changed of the signals, the limit on open files and the descriptors that stay open across execve(2). */
export function restoreProcess(): void {
  const kept = keptByEntry();
  const ignored = kept?.ignored ?? 0n;
  const isIgnored = (signal: number): boolean => ((ignored >> BigInt(signal)) & 1n) === 1n;
  for (let signal = 1; signal < 32; signal++)
    if (isIgnored(signal) || signal === SIGPIPE || signal === SIGXFSZ) setIgnored(signal, isIgnored(signal));
  const limit = kept ?? parentsLimit();
  if (limit) limitFiles(limit.files);
  for (const fd of inheritedDescriptors()) setInheritable(fd);
}

/** Ends this process as SIGPIPE does, which Bun ignores; returns where our caller ignores it, too. */
export function endByBrokenPipe(): void {
  restoreProcess();
  process.kill(process.pid, SIGPIPE);
}

/** Where entry/entry.c keeps it. */
const KEPT = 0x5000_0000_0000;

/** Null where it had no memory for that. */
function keptByEntry(): { files: bigint; ignored: bigint } | null {
  const maps = `\n${readTextOrNull("/proc/self/maps") ?? ""}`;
  if (!maps.includes(`\n${KEPT.toString(16)}-`)) return null;
  const word = (i: number): bigint => read.u64(KEPT as never, 8 * i);
  return { files: word(0), ignored: word(1) };
}

/** As a rule ours is the same, but a parent that is written in Go has raised its own. */
function parentsLimit(): { files: bigint } | null {
  const limits = readTextOrNull(`/proc/${process.ppid}/limits`) ?? "";
  const [, soft] = /^Max open files +(\d+)/m.exec(limits) ?? [];
  return soft ? { files: BigInt(soft) } : null;
}

/** All but those of Bun's event loop: Bun has marked what was open when it came to be closed by execve(2). */
function inheritedDescriptors(): number[] {
  const open = listFolder("/proc/self/fd").map(Number);
  const loops = open.filter((fd) => targetOf(fd) === "anon_inode:[eventpoll]");
  const watched = loops.flatMap((fd) =>
    [...(readTextOrNull(`/proc/self/fdinfo/${fd}`) ?? "").matchAll(/^tfd: +(\d+)/gm)].map(([, each]) =>
      Number(each),
    ),
  );
  return open.filter((fd) => fd > 2 && targetOf(fd) !== null && ![...loops, ...watched].includes(fd));
}

/** Null where it is closed meanwhile, as is the one that the list was read by. */
function targetOf(fd: number): string | null {
  try {
    return readLink(`/proc/self/fd/${fd}`);
  } catch {
    return null;
  }
}
