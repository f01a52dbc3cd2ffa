import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Build, binaryOf } from "../builds.ts";

export interface Runtime {
  readonly name: Build | "runc" | "crun";
  readonly binary: string;
  readonly bundle: string;
}

const repository = resolve(import.meta.dirname, "../../..");

/** A bundle with the probe guest for unikrun, and one with busybox for the others; of these what the host has. */
export function makeBundles(folder: string, against: string | undefined): Runtime[] {
  const guest = makeBundle(`${folder}/guest`, `${repository}/build/guest/probe.bin`, "probe.bin");
  const busybox = makeBundle(`${folder}/busybox`, "/bin/busybox", "busybox");
  const others: Runtime[] = [
    { name: "runc", binary: "/usr/sbin/runc", bundle: busybox },
    { name: "crun", binary: "/usr/bin/crun", bundle: busybox },
  ];
  return [
    { name: "unikrun", binary: `${repository}/dist/unikrun`, bundle: guest },
    ...(against === undefined
      ? []
      : [{ name: "against", binary: binaryOf(against), bundle: guest } satisfies Runtime]),
    ...others.filter(({ binary }) => existsSync(binary)),
  ];
}

function makeBundle(bundle: string, program: string, name: string): string {
  for (const path of ["proc", "dev", "sys"]) mkdirSync(`${bundle}/rootfs/${path}`, { recursive: true });
  copyFileSync(program, `${bundle}/rootfs/${name}`);
  writeFileSync(`${bundle}/config.json`, JSON.stringify(config([`/${name}`, "sleep", "1000"])));
  return bundle;
}

const CAPABILITIES = [
  ...[
    "CHOWN",
    "DAC_OVERRIDE",
    "FSETID",
    "FOWNER",
    "MKNOD",
    "NET_RAW",
    "SETGID",
    "SETUID",
    "SETFCAP",
    "SETPCAP",
  ],
  ...["NET_BIND_SERVICE", "SYS_CHROOT", "KILL", "AUDIT_WRITE"],
].map((name) => `CAP_${name}`);

const mount = (destination: string, type: string, ...options: string[]) => ({
  destination,
  type,
  source: type,
  options: ["nosuid", "noexec", "nodev", ...options],
});

/** What Docker gives a container by default, but for its seccomp profile, which would slow the others. */
function config(args: readonly string[]) {
  return {
    ociVersion: "1.0.2",
    process: {
      user: { uid: 0, gid: 0 },
      args,
      env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=bench"],
      cwd: "/",
      capabilities: { bounding: CAPABILITIES, effective: CAPABILITIES, permitted: CAPABILITIES },
      oomScoreAdj: 0,
    },
    root: { path: "rootfs" },
    hostname: "bench",
    mounts: [
      mount("/proc", "proc"),
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=65536k"] },
      {
        destination: "/dev/pts",
        type: "devpts",
        source: "devpts",
        options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
      },
      mount("/sys", "sysfs", "ro"),
      mount("/dev/mqueue", "mqueue"),
      { ...mount("/dev/shm", "tmpfs", "mode=1777", "size=67108864"), source: "shm" },
    ],
    linux: {
      resources: { memory: { limit: 268435456 }, pids: { limit: 100 }, cpu: { shares: 1024 } },
      namespaces: ["mount", "network", "uts", "pid", "ipc"].map((type) => ({ type })),
      sysctl: { "net.ipv4.ip_unprivileged_port_start": "0" },
      maskedPaths: [
        ...["/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list"],
        ...["/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware"],
      ],
      readonlyPaths: ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    },
  };
}
