import {
  makeFolders,
  readText,
  readTextOrNull,
  rename,
  statusOfFile,
  statusOrNull,
  writeText,
} from "../../native/files.ts";
import { type Accelerator, whyNotKvm } from "./accelerator.ts";
import { listQemuFiles, type QemuFiles } from "./qemu.ts";

/** What was found out about this host's VMM, once for every QEMU, kernel and boot. */
export interface Host {
  readonly qemu: string;
  readonly files: QemuFiles;
  /** Why KVM can't be used; null where it can. */
  readonly kvmTrouble: string | null;
}

/** `isNews`: this call found it out. */
export interface Probe {
  readonly host: Host;
  readonly isNews: boolean;
}

/** On a file system that a reboot empties, so that a new kernel or module is asked again. */
const CACHE = "/run/unikrun-host";

/** Probes `qemu` (a path without links), or takes what was found before. The first call takes up to 3 s. */
export function probeHost(qemu: string): Probe {
  const key = cacheKey(qemu);
  const file = `${CACHE}/vmm.json`;
  const known = readCache(file);
  if (known?.key === key) return { host: known.host, isNews: false };
  makeFolders(CACHE, 0o700);
  const host: Host = { qemu, files: listQemuFiles(qemu), kvmTrouble: whyNotKvm(qemu, CACHE) };
  const draft = `${file}.${process.pid}`;
  writeText(draft, JSON.stringify({ key, host }));
  rename(draft, file);
  return { host, isNews: true };
}

function cacheKey(qemu: string): string {
  const { modified, size, inode } = statusOfFile(qemu);
  const kvm = statusOrNull("/dev/kvm");
  const release = readText("/proc/sys/kernel/osrelease").trim();
  return [
    qemu,
    modified,
    size,
    inode,
    release,
    kvm ? `${kvm.node}:${kvm.mode}` : "no kvm",
    TRIAL_VERSION,
  ].join(" ");
}

/** To be raised when what is asked changes. */
const TRIAL_VERSION = 1;

function readCache(file: string): { key: string; host: Host } | null {
  try {
    return JSON.parse(readTextOrNull(file) ?? "null") as { key: string; host: Host } | null;
  } catch {
    return null; // Torn by a crash: ask again.
  }
}

/** `wanted` is the operator's word. A host without KVM gets TCG; `warning` says so when that is news, not at every start. */
export function chooseAccelerator(
  { host, isNews }: Probe,
  wanted: "auto" | Accelerator | undefined,
): { accelerator: Accelerator; warning?: string } {
  if (wanted === "kvm" || wanted === "tcg") return { accelerator: wanted };
  if (host.kvmTrouble === null) return { accelerator: "kvm" };
  if (!isNews) return { accelerator: "tcg" };
  return {
    accelerator: "tcg",
    warning: `KVM does not work here, as ${host.kvmTrouble}: guests are emulated (TCG), which is many times slower.`,
  };
}
