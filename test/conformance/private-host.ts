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
  /** Writes /etc/unikrun/config.json. */
  configure(settings: object): void;
  /** Puts something in its /dev/kvm's place that is no device. */
  hideDevice(): void;
  /** Has a file stand in another's place. */
  lay(file: string, over: string): void;
  /** Where it has the disks of volumes that are in memory. */
  readonly inMemory: string;
  /** What is remembered of the VMM. */
  remembered(): Remembered;
  remember(what: object): void;
}

export interface Remembered {
  readonly key: string;
  readonly kvm?: { readonly kind: string; readonly why?: string };
  readonly undecided?: { readonly times: number };
}

export async function privateHost(): Promise<PrivateHost> {
  const made = [SETTINGS, MEMORY].filter((path) => !existsSync(path));
  for (const path of made) mkdirSync(path);
  const steps = [
    `mount -t tmpfs test ${SETTINGS}`,
    `mount -t tmpfs test ${MEMORY}`,
    `if [ -e ${KVM} ]; then cp -a ${KVM} ${SETTINGS}/kvm && mount --bind ${SETTINGS}/kvm ${KVM}; fi`,
    "echo ready",
    "exec sleep 1000000",
  ];
  const script = steps.join(" && ");
  const holder = Bun.spawn(["unshare", "--mount", "sh", "-c", script], { stdin: "ignore", stdout: "pipe" });
  await holder.stdout.getReader().read();
  const root = `/proc/${holder.pid}/root`;
  const enter = ["nsenter", `--mount=/proc/${holder.pid}/ns/mnt`];
  const folder = mkdtempSync(`${tmpdir()}/unikrun-host-`);
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
    inMemory: `${root}${MEMORY}/in-memory/volumes`,
    configure: (settings) => writeFileSync(`${root}${SETTINGS}/config.json`, JSON.stringify(settings)),
    hideDevice: () => lay("/dev/null", KVM),
    lay,
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
