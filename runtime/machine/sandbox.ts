/** QEMU's own seccomp filter: no new process, no privilege, no change of scheduling, no obsolete system call. */
export const SANDBOX = [
  "-sandbox",
  "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny",
];
