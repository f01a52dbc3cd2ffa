import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";

export interface Runtime {
  readonly name: "unikrun" | "runc" | "crun";
  readonly binary: string;
  readonly bundle: string;
}

const repository = resolve(import.meta.dirname, "../..");

/** A bundle with the probe guest for unikrun, and one with busybox for the others. */
export function makeBundles(folder: string): Runtime[] {
  const guest = makeBundle(`${folder}/guest`, `${repository}/build/guest/probe.bin`, "probe.bin");
  const busybox = makeBundle(`${folder}/busybox`, "/bin/busybox", "busybox");
  return [
    { name: "unikrun", binary: `${repository}/dist/unikrun`, bundle: guest },
    { name: "runc", binary: "/usr/sbin/runc", bundle: busybox },
    { name: "crun", binary: "/usr/bin/crun", bundle: busybox },
  ];
}

function makeBundle(bundle: string, program: string, name: string): string {
  for (const path of ["proc", "dev", "sys"]) mkdirSync(`${bundle}/rootfs/${path}`, { recursive: true });
  copyFileSync(program, `${bundle}/rootfs/${name}`);
  writeFileSync(`${bundle}/config.json`, JSON.stringify(config([`/${name}`, "sleep", "1000"])));
  return bundle;
}

/** What Docker gives a container, as far as it costs anything. */
function config(args: readonly string[]) {
  const capabilities = ["CAP_CHOWN", "CAP_KILL", "CAP_NET_BIND_SERVICE"];
  return {
    ociVersion: "1.0.2",
    process: {
      user: { uid: 0, gid: 0 },
      args,
      env: ["PATH=/usr/bin:/bin"],
      cwd: "/",
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    hostname: "bench",
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=65536k"] },
      { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
    ],
    linux: {
      resources: { memory: { limit: 268435456 } },
      namespaces: ["pid", "network", "ipc", "uts", "mount"].map((type) => ({ type })),
      maskedPaths: ["/proc/kcore", "/proc/keys"],
      readonlyPaths: ["/proc/bus", "/proc/sys"],
    },
  };
}
