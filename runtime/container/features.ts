import { version } from "../../package.json";
import { FAMILY_NAMES } from "../guest/detect.ts";
import { SPEC_VERSION } from "./oci.ts";
import { HOOK_KINDS } from "./spec.ts";

/** The document of `features` (features.md, features-linux.md). Engines read it when they load their configuration. */
export function features() {
  return {
    ociVersionMin: "1.0.0",
    ociVersionMax: SPEC_VERSION,
    hooks: HOOK_KINDS,
    mountOptions: [],
    linux: {
      namespaces: ["cgroup", "ipc", "mount", "network", "pid", "time", "uts"],
      capabilities: [],
      cgroup: { v1: true, v2: true, systemd: true, systemdUser: false, rdma: true },
      seccomp: { enabled: false },
      apparmor: { enabled: true },
      selinux: { enabled: true },
      intelRdt: { enabled: false },
    },
    annotations: {
      "org.unikrun.version": version,
      "org.unikrun.guests": FAMILY_NAMES.join(","),
      // runc's name for a thing that dockerd looks for.
      "org.opencontainers.runc.checkpoint.enabled": "true",
    },
    // Who lets strangers write annotations must keep these from them (features.md); "." at the end: all that begin so.
    potentiallyUnsafeConfigAnnotations: ["org.unikrun."],
  };
}
