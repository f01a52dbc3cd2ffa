import type { Spec } from "./oci.ts";

/** What `unikrun spec` writes: a bundle whose unikernel is /unikernel.bin in rootfs. */
export function defaultSpec(): Spec {
  return {
    ociVersion: "1.0.2",
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: ["/unikernel.bin"],
      env: [],
      cwd: "/",
      noNewPrivileges: true,
    },
    root: { path: "rootfs", readonly: true },
    hostname: "unikernel",
    linux: {
      resources: {},
      namespaces: [{ type: "pid" }, { type: "network" }, { type: "ipc" }, { type: "uts" }, { type: "mount" }],
    },
  };
}
