export interface Virtualization {
  /** The processor's flag for VT-x or AMD-V; absent where it shows neither. */
  readonly extension?: "vmx" | "svm";
  /** The host is a virtual machine itself. */
  readonly isGuest: boolean;
}

/** `cpuinfo` is the text of /proc/cpuinfo. */
export function virtualization(cpuinfo: string): Virtualization {
  const flags = new Set(/^flags\s*:(.*)$/m.exec(cpuinfo)?.[1]?.trim().split(" "));
  const extension = (["vmx", "svm"] as const).find((name) => flags.has(name));
  return { isGuest: flags.has("hypervisor"), ...(extension === undefined ? {} : { extension }) };
}
