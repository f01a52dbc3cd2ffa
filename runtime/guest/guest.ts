/** "unikrun": our own (native/firmware), for multiboot kernels. "seabios": QEMU's default. */
export type Firmware = "unikrun" | "seabios";

/** A unikernel family: what the rest of the runtime needs to know to boot its guests, and nothing of it elsewhere. */
export interface GuestFamily {
  /** As in the container's record: "rumprun". */
  readonly name: string;
  /** Null where the file is a kernel of this family; otherwise why not, a clause for an error's sentence. */
  refuses(kernel: KernelFile): string | null;
  /** `mostMiB`: a larger limit gives its guests no more. */
  readonly memory: { readonly defaultMiB: number; readonly floorMiB: number; readonly mostMiB: number };
  /** `firmware`: unless the host or the operator says another. */
  readonly board: { readonly machine: "pc"; readonly firmware: Firmware };
  /** How many of each it can drive. */
  readonly limits: { readonly nics: number; readonly disks: number };
  /** Where a kernel that it does not refuse belongs in the guest's memory, and begins. */
  image(kernel: KernelFile): KernelImage;
  /** Read when a container starts, of the kernel that it was created with. */
  traits(kernel: KernelFile): KernelTraits;
  /** Throws UnikrunError for what the guest can't be told. */
  bootArguments(boot: Boot): BootArguments;
  /** How init reads the guest's end off its console. */
  readonly exitRules: readonly ExitRule[];
  /** "end": it can't be asked to stop; its machine is ended, disks flushed. */
  readonly stop: "end";
}

/** An open file, read as far as is needed: kernels have tens of megabytes. */
export interface KernelFile {
  /** For messages. */
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** Shorter than `length` at the end of the file only. */
  read(offset: number, length: number): Buffer;
  /** What only this file has, and only as it is now; null where it was changed so lately that the clock could not tell. */
  fingerprint?(): string | null;
}

/** A kernel in the guest's memory. */
export interface KernelImage {
  /** Physical address of its first instruction. */
  readonly entry: number;
  /** What of the file belongs where, in bytes. */
  readonly pieces: readonly { readonly offset: number; readonly size: number; readonly address: number }[];
  /** Physical address behind the last byte that it needs, its variables included. */
  readonly end: number;
}

/** What one kernel of a family has or lacks. */
export interface KernelTraits {
  /** Files that are part of it, by path: a disk mounted on their folder would hide them. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** It can be told one address only, and does not boot if it is told more. */
  readonly singleNetwork: boolean;
  /** It can take system calls by its network. */
  readonly proxy: boolean;
}

export interface BootArguments {
  /** The text for the kernel's command line. */
  readonly commandLine: string;
  /** A file that its first disk must have, before those that it was told of; the rest of that disk is empty. */
  readonly firstDisk?: { readonly path: string; readonly text: string };
}

/** What a guest is told when it boots. */
export interface Boot {
  /** The program's argv, its own name first. */
  readonly args: readonly string[];
  /** NAME=VALUE each. */
  readonly env: readonly string[];
  readonly cwd: string;
  readonly hostname?: string;
  /** In the order of the machine's cards. */
  readonly nics: readonly BootNic[];
  /** As in the kernel's traits. */
  readonly singleNetwork?: boolean;
  /** The TCP port where it is to take system calls. */
  readonly proxyPort?: number;
  readonly disks: readonly BootDisk[];
}

export interface BootNic {
  readonly mac: string;
  /** Bytes. */
  readonly mtu: number;
  readonly addresses: readonly {
    readonly family: 4 | 6;
    readonly address: string;
    readonly prefix: number;
  }[];
  /** Of the default routes that leave by this card, the preferred one of each family. */
  readonly gateways: readonly { readonly family: 4 | 6; readonly address: string }[];
}

export interface BootDisk {
  /** Of the machine's disks, from 0. */
  readonly index: number;
  /** Absent: attached, but left to the program. */
  readonly mountpoint?: string;
  readonly readOnly: boolean;
}

/** A line of the guest's console, and what follows from it. Of several rules that fit a line the first counts. */
export interface ExitRule {
  /** The phase that the guest must be in, "boot" at first; absent: any. */
  readonly when?: "boot" | "main" | "ending";
  /** The whole line: `*` stands for any text, `#` for a decimal integer, everything else for itself. */
  readonly line: string;
  /** The phase from now on. "ended" ends the machine at once. */
  readonly phase?: "main" | "ending" | "ended";
  /** The exit code as long as no later line says another; "#": the line's integer. Its low eight bits count. */
  readonly code?: number | "#";
  /** If the vCPU is really halted now, the guest has ended. */
  readonly halts?: true;
}
