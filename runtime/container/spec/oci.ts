/**
 * The OCI types that this runtime uses, under the names that the specification gives them in JSON
 * (runtime-spec: config.md, config-linux.md, config-vm.md). spec.ts has checked what it reads against them.
 */

/** The newest version of the specification that config.json is read by. */
export const SPEC_VERSION = "1.2.0";

/** config.json of a bundle (config.md). */
export interface Spec {
  /** The version of the specification that the bundle follows, as in "1.0.2". */
  readonly ociVersion: string;
  /** What to run; a container without it can be created, but not started. */
  readonly process?: Process;
  readonly root: Root;
  readonly hostname?: string;
  readonly domainname?: string;
  readonly mounts?: readonly Mount[];
  readonly hooks?: Hooks;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux?: Linux;
  readonly vm?: Vm;
}

/** config.md, Process. */
export interface Process {
  /** The container's console is a terminal, whose master goes to --console-socket. */
  readonly terminal?: boolean;
  /** In characters; to be ignored without a terminal. */
  readonly consoleSize?: { readonly height: number; readonly width: number };
  readonly user?: { readonly uid: number; readonly gid: number; readonly additionalGids?: readonly number[] };
  /** argv: the unikernel or program first, looked up along PATH if it has no slash. */
  readonly args?: readonly string[];
  /** NAME=VALUE each. */
  readonly env?: readonly string[];
  /** Absolute. */
  readonly cwd: string;
  readonly rlimits?: readonly Rlimit[];
  readonly apparmorProfile?: string;
  readonly selinuxLabel?: string;
  /** -1000 to 1000. */
  readonly oomScoreAdj?: number;
  readonly noNewPrivileges?: boolean;
}

/** getrlimit(2); no limit is 2^64 - 1, which JSON's numbers round up to 2^64. */
export interface Rlimit {
  /** "RLIMIT_NOFILE" and the like. */
  readonly type: string;
  /** Never above `hard`. */
  readonly soft: number;
  readonly hard: number;
}

/** config.md, Root. */
export interface Root {
  /** Absolute, or relative to the bundle. */
  readonly path: string;
  readonly readonly?: boolean;
}

/** config.md, Mounts. */
export interface Mount {
  /** In the container; a relative one counts from "/". */
  readonly destination: string;
  /** Of mount(2); of no meaning for a bind mount. */
  readonly type?: string;
  /** A relative one of a bind mount counts from the bundle. */
  readonly source?: string;
  /** As mount(8) knows them; "bind" or "rbind" makes it a bind mount. */
  readonly options?: readonly string[];
  /** Mappings of the users and groups of files, as in a user namespace. */
  readonly uidMappings?: readonly IdMapping[];
  readonly gidMappings?: readonly IdMapping[];
}

/** config-linux.md, User namespace mappings: so many ids from `hostID` on are those from `containerID` on. */
export interface IdMapping {
  readonly containerID: number;
  readonly hostID: number;
  readonly size: number;
}

/** config.md, POSIX-platform Hooks: a program that gets the container's state on stdin. */
export interface Hook {
  /** Absolute. */
  readonly path: string;
  /** argv, its own name first. */
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  /** Seconds. */
  readonly timeout?: number;
}

/** In the order in which they come in a container's life; `prestart` is the old name of what is now three kinds. */
export type HookKind =
  | "prestart"
  | "createRuntime"
  | "createContainer"
  | "startContainer"
  | "poststart"
  | "poststop";

export type Hooks = { readonly [Kind in HookKind]?: readonly Hook[] };

/** config-linux.md. */
export interface Linux {
  /** Those that are not named are the runtime's own. */
  readonly namespaces?: readonly LinuxNamespace[];
  readonly uidMappings?: readonly IdMapping[];
  readonly gidMappings?: readonly IdMapping[];
  /** A path below the cgroup mounts, or slice:prefix:name with --systemd-cgroup. */
  readonly cgroupsPath?: string;
  readonly resources?: Resources;
  /** Kernel parameters by their dotted names. */
  readonly sysctl?: Readonly<Record<string, string>>;
  /** The host's network devices that move into the container, by their names there. */
  readonly netDevices?: Readonly<Record<string, object>>;
}

export type NamespaceType = "pid" | "network" | "mount" | "ipc" | "uts" | "user" | "cgroup" | "time";

export interface LinuxNamespace {
  readonly type: NamespaceType;
  /** Of one to enter; absent: a new one. */
  readonly path?: string;
}

/** config-linux.md, Control groups. Sizes in bytes, times in microseconds. */
export interface Resources {
  readonly memory?: {
    readonly limit?: number;
    readonly reservation?: number;
    readonly swap?: number;
    readonly kernel?: number;
    readonly kernelTCP?: number;
    readonly swappiness?: number;
    readonly disableOOMKiller?: boolean;
    readonly useHierarchy?: boolean;
    readonly checkBeforeUpdate?: boolean;
  };
  readonly cpu?: {
    readonly shares?: number;
    readonly quota?: number;
    readonly burst?: number;
    readonly period?: number;
    readonly realtimeRuntime?: number;
    readonly realtimePeriod?: number;
    readonly cpus?: string;
    readonly mems?: string;
    readonly idle?: number;
  };
  readonly pids?: { readonly limit?: number };
  readonly blockIO?: {
    readonly weight?: number;
    readonly leafWeight?: number;
    readonly weightDevice?: readonly (Device & { readonly weight?: number; readonly leafWeight?: number })[];
    readonly throttleReadBpsDevice?: readonly Throttle[];
    readonly throttleWriteBpsDevice?: readonly Throttle[];
    readonly throttleReadIOPSDevice?: readonly Throttle[];
    readonly throttleWriteIOPSDevice?: readonly Throttle[];
  };
  readonly devices?: readonly {
    readonly allow: boolean;
    readonly type?: string;
    readonly major?: number;
    readonly minor?: number;
    readonly access?: string;
  }[];
  readonly hugepageLimits?: readonly { readonly pageSize: string; readonly limit: number }[];
  readonly network?: {
    readonly classID?: number;
    readonly priorities?: readonly { readonly name: string; readonly priority: number }[];
  };
  readonly rdma?: Readonly<Record<string, { readonly hcaHandles?: number; readonly hcaObjects?: number }>>;
  /** Files of cgroup v2 and what to write to them. */
  readonly unified?: Readonly<Record<string, string>>;
}

export interface Device {
  readonly major: number;
  readonly minor: number;
}

export type Throttle = Device & { readonly rate: number };

/** config-vm.md: all paths are absolute and the host's, not the image's. */
export interface Vm {
  readonly hypervisor?: { readonly path: string; readonly parameters?: readonly string[] };
  readonly kernel: {
    readonly path: string;
    readonly parameters?: readonly string[];
    readonly initrd?: string;
  };
  /** The machine's root disk; raw, if nobody says otherwise. */
  readonly image?: { readonly path: string; readonly format?: "raw" | "qcow2" | "vdi" | "vmdk" | "vhd" };
}
