/** A host's settings, memory and /dev/kvm of its own for a test, by a mount namespace in which the runtime is called. */
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { reap } from "../bench/reap.ts";
import { unikrun } from "./harness.ts";

const SETTINGS = "/etc/unikrun";
const MEMORY = "/run/unikrun-host";
const KVM = "/dev/kvm";

export interface PrivateHost extends Disposable {
  /** Calls dist/unikrun there. */
  readonly runtime: string;
  /** Where files for it can be, the same inside and outside. */
  readonly folder: string;
  /** Its /dev/kvm, where the host has one. */
  readonly device: string;
  /** Writes /etc/unikrun/config.json; a text as it is. */
  configure(settings: object | string): void;
  /** Puts something in its /dev/kvm's place that is no device. */
  hideDevice(): void;
  /** Nobody can open its /dev/kvm. */
  shutDevice(): void;
  /** Has a file stand in another's place. */
  lay(file: string, over: string): void;
  /** Where it has the disks of volumes that are in memory, by what of it is in memory itself. */
  readonly inMemory: Readonly<Record<InMemory, string>>;
  /** What is remembered of the VMM. */
  remembered(): Remembered;
  remember(what: object): void;
}

export interface Remembered {
  readonly key: string;
  readonly kvm?: { readonly kind: string; readonly why?: string };
  readonly undecided?: { readonly times: number };
}

/** The folders that a host has in memory, as a rule. */
type InMemory = "run" | "shm";

/** `onDisk`: what of it is not in memory there. */
export async function privateHost(onDisk: readonly InMemory[] = []): Promise<PrivateHost> {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-host-`);
  const mountAs = (what: InMemory, target: string): string => {
    if (!onDisk.includes(what)) return `mount -t tmpfs -o mode=1777 test ${target}`;
    mkdirSync(`${folder}/${what}`, { mode: 0o1777 });
    return `mount --bind ${folder}/${what} ${target}`;
  };
  const made = [SETTINGS, MEMORY].filter((path) => !existsSync(path));
  for (const path of made) mkdirSync(path);
  const steps = [
    `mount -t tmpfs test ${SETTINGS}`,
    mountAs("run", MEMORY),
    mountAs("shm", "/dev/shm"),
    `if [ -e ${KVM} ]; then cp -a ${KVM} ${SETTINGS}/kvm && mount --bind ${SETTINGS}/kvm ${KVM}; fi`,
    "echo ready",
    "exec sleep 1000000",
  ];
  const script = steps.join(" && ");
  const holder = Bun.spawn(["unshare", "--mount", "sh", "-c", script], { stdin: "ignore", stdout: "pipe" });
  await holder.stdout.getReader().read();
  const root = `/proc/${holder.pid}/root`;
  const enter = ["nsenter", `--mount=/proc/${holder.pid}/ns/mnt`];
  const runtime = `${folder}/unikrun`;
  writeFileSync(runtime, `#!/bin/sh\nexec ${enter.join(" ")} ${unikrun} "$@"\n`);
  chmodSync(runtime, 0o755);
  const lay = (file: string, over: string): void =>
    void Bun.spawnSync([...enter, "mount", "--bind", file, over]);
  const memory = `${root}${MEMORY}/vmm.json`;
  return {
    runtime,
    folder,
    device: `${root}${KVM}`,
    inMemory: { run: `${root}${MEMORY}/in-memory`, shm: `${root}/dev/shm/unikrun-in-memory` },
    configure: (settings) =>
      writeFileSync(
        `${root}${SETTINGS}/config.json`,
        typeof settings === "string" ? settings : JSON.stringify(settings),
      ),
    hideDevice: () => lay("/dev/null", KVM),
    lay,
    shutDevice: () => void Bun.spawnSync([...enter, "mount", "-o", "remount,bind,nodev", KVM]),
    remembered: () => JSON.parse(readFileSync(memory, "utf8")) as Remembered,
    remember: (what) => writeFileSync(memory, JSON.stringify(what)),
    [Symbol.dispose]() {
      holder.kill("SIGKILL");
      reap(holder.pid);
      rmSync(folder, { recursive: true });
      for (const path of made) rmdirSync(path);
    },
  };
}
