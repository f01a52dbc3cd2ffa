import {
  makeFolders,
  readText,
  readTextOrNull,
  rename,
  statusOfFile,
  statusOrNull,
  writeText,
} from "../../native/files.ts";
import { O_CREAT, O_RDWR, openPath, owned } from "../../native/libc.ts";
import { lockWithin } from "../../native/lock.ts";
import { inUserNamespace } from "../../native/user-namespace.ts";
import { hostCache } from "../places.ts";
import { whyNoDevice } from "./accelerator.ts";
import { type Host, listQemuFiles } from "./qemu.ts";
import type { Verdict } from "./trial.ts";

/** What is remembered, once for every QEMU, kernel, device node and boot. */
export interface Probe {
  readonly key: string;
  readonly host: Host;
  /** Absent until it was asked for. */
  readonly kvm?: Exclude<Verdict, { kind: "undecided" }>;
  readonly undecided?: Undecided;
}

interface Undecided {
  readonly why: string;
  /** How many trials in a row ended so, and the last in seconds of the host's uptime. */
  readonly times: number;
  readonly at: number;
}

/** On a file system that a reboot empties, so that a new kernel or module is asked again. */
const cacheFile = (): string => `${hostCache()}/vmm.json`;

/** Asks `qemu` (a path without links) for its files, some 60 ms, or takes what is remembered. */
export function probeHost(qemu: string): Probe {
  const probe = rememberedProbe(qemu);
  if (probe) return probe;
  return remember({ key: keyOf(qemu), host: { qemu, files: listQemuFiles(qemu) } });
}

/** Null where nobody has asked yet. */
export function rememberedProbe(qemu: string): Probe | null {
  const known = readCache();
  return known?.key === keyOf(qemu) ? known : null;
}

/** How many undecided trials may follow each other at once, and the seconds until the next after that. */
const AT_ONCE = 3;
const REST = 600;

/** A trial may take as long as this, in milliseconds, whoever runs it. */
const LOCK_PATIENCE = 60_000;

/** What KVM is worth, by a trial where it is not remembered; `isNews` says that it was not. An undecided one is asked again by the next. */
export async function judgeKvm(probe: Probe): Promise<{ verdict: Verdict; isNews: boolean }> {
  if (probe.kvm) return { verdict: probe.kvm, isNews: false };
  if (probe.undecided && isResting(probe.undecided)) return undecided(probe.undecided);
  // Of several that start at once, one tries.
  using lock = owned(openPath(`${hostCache()}/lock`, O_RDWR | O_CREAT, 0o600));
  const isOurs = lockWithin(lock.fd, LOCK_PATIENCE);
  const now = probeHost(probe.host.qemu);
  if (now.kvm) return { verdict: now.kvm, isNews: false };
  if (now.undecided && now.undecided.times !== probe.undecided?.times) return undecided(now.undecided);
  if (!isOurs) return undecided({ why: "a trial guest of another start is not done yet" });
  return { verdict: await tryAndRemember(now), isNews: true };
}

/** Tries KVM whatever is remembered. */
export async function renewKvm({ host: { qemu } }: Probe): Promise<Verdict> {
  using lock = owned(openPath(`${hostCache()}/lock`, O_RDWR | O_CREAT, 0o600));
  if (!lockWithin(lock.fd, LOCK_PATIENCE))
    return { kind: "undecided", why: "a trial guest of a start is not done yet" };
  return await tryAndRemember(probeHost(qemu));
}

async function tryAndRemember({ key, host, undecided: before }: Probe): Promise<Verdict> {
  const { tryKvm } = await import("./trial.ts");
  const verdict = tryKvm(host, hostCache());
  if (verdict.kind !== "undecided") remember({ key, host, kvm: verdict });
  else {
    const times = (before?.times ?? 0) + 1;
    remember({ key, host, undecided: { why: verdict.why, times, at: uptime() } });
  }
  return verdict;
}

const undecided = ({ why }: Pick<Undecided, "why">) =>
  ({ verdict: { kind: "undecided", why }, isNews: false }) as const;

const isResting = ({ times, at }: Undecided): boolean => times >= AT_ONCE && uptime() < at + REST;

const uptime = (): number => Number.parseFloat(readText("/proc/uptime"));

function remember(probe: Probe): Probe {
  const file = cacheFile();
  makeFolders(hostCache(), 0o700);
  const draft = `${file}.${process.pid}`;
  writeText(draft, JSON.stringify(probe));
  rename(draft, file);
  return probe;
}

/** To be raised when what is asked changes. */
const TRIAL_VERSION = 3;

function keyOf(qemu: string): string {
  const { modified, size, inode } = statusOfFile(qemu);
  const kvm = statusOrNull("/dev/kvm");
  const release = readText("/proc/sys/kernel/osrelease").trim();
  const node = kvm ? `${kvm.node} ${kvm.mode.toString(8)} ${kvm.uid}:${kvm.gid}` : "no kvm";
  // A user may have been put into the node's group meanwhile.
  const access = inUserNamespace() && kvm ? [String(whyNoDevice() === null)] : [];
  return [qemu, modified, size, inode, release, node, ...access, TRIAL_VERSION].join(" ");
}

function readCache(): Probe | null {
  try {
    return JSON.parse(readTextOrNull(cacheFile()) ?? "null") as Probe | null;
  } catch {
    return null; // Torn by a crash: ask again.
  }
}
