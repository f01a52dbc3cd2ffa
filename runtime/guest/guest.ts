import type { Features } from "./features.ts";
import type { KernelFile, KernelImage } from "./file/kernel-file.ts";
import type { Marks } from "./file/marks.ts";

/** "unikrun": our own (native/firmware), for kernels that init loads. "seabios": QEMU's default. */
export type Firmware = "unikrun" | "seabios";

/** A unikernel family: what the rest of the runtime needs to know to boot its guests, and nothing of it elsewhere. */
export interface GuestFamily {
  /** As in the container's record, in settings and in sentences: "rumprun". */
  readonly name: string;
  /** Null for a file that is not of this family. */
  recognizes(marks: Marks): Recognition | null;
  /** `mostMiB`: a larger limit gives its guests no more. */
  readonly memory: { readonly defaultMiB: number; readonly floorMiB: number; readonly mostMiB: number };
  readonly board: BoardKind | TenderKind;
  /** Read at create, of a family in which that is not the same for all: whether this kernel's board has ACPI. */
  needsAcpi?(kernel: KernelFile): boolean;
  /** How many of each it can drive. */
  readonly limits: { readonly nics: number; readonly disks: number };
  readonly devices: DeviceKind;
  /** A second file of the image that it boots with. */
  readonly companion?: Companion;
  /** Where a kernel of the family belongs in the guest's memory, and begins. */
  image(kernel: KernelFile): KernelImage;
  /** Read when a container starts, of the kernel that it was created with. */
  traits(kernel: KernelFile): KernelTraits;
  /** Throws UnikrunError for what the guest can't be told. */
  bootArguments(boot: Boot): BootArguments;
  /** What of it the guest does not hear although somebody may expect that: clauses for its log. */
  unheard?(boot: Boot): readonly string[];
  readonly ending: EndingKind;
  readonly features: Features;
}

/** What a file of a family is. */
export interface Recognition {
  /** For people: "1", "0.17.0". */
  readonly version?: string;
  /** What it was built for, where a family has several: "virtio". */
  readonly target?: string;
  /** Why it can't be booted here, a clause for an error's sentence. */
  readonly refusal?: string;
}

export interface BoardKind {
  readonly machine: "pc";
  /**
   * "init" copies the kernel into memory, and our firmware enters it; "qemu" loads it itself (a multiboot, PVH or Linux kernel), with
   * SeaBIOS; "disk": SeaBIOS boots from the file, which is a disk image.
   */
  readonly loader: "init" | "qemu" | "disk";
  /** For "init", unless the host or the operator says another. */
  readonly firmware: Firmware;
  readonly acpi: boolean;
  /** It keeps time by the HPET. */
  readonly hpet?: true;
  /** Under TCG, in place of QEMU's usual one, which has few instructions. */
  readonly emulatedProcessor?: "max";
  /** MiB for the code that QEMU's emulation makes of the guest's; absent: as much as a small kernel needs. */
  readonly translationMiB?: number;
  /** The I/O port of QEMU's isa-debug-exit. */
  readonly debugPort?: number;
}

/** A program of the host's runs the guest in QEMU's place, with no board and no monitor: Solo5's tenders. */
export interface TenderKind {
  readonly loader: "tender";
  /** What it is called where programs are installed, and in the host's settings. */
  readonly program: TenderName;
  /** What a kernel is built for that it runs. */
  readonly target: string;
  readonly kvm: boolean;
}

export type TenderName = "solo5-spt" | "solo5-hvt";

export interface DeviceKind {
  /** virtio 1.0 only, and not both that and what was before. */
  readonly modern: boolean;
  /** Frames come with virtio's headers, so that checksums can be left to whoever is next. */
  readonly headers: boolean;
  /**
   * "folders": file systems that it mounts; "blocks": disk images only; "initrd": files in its memory, as an archive that comes with the
   * kernel, for "init" as loader; "none".
   */
  readonly disks: "folders" | "blocks" | "initrd" | "none";
  /** It asks for its addresses by DHCP, which we answer. */
  readonly dhcp?: true;
  /** Of several cards it sends by the first what is on no network of the others: that is to be the one with its gateway of IPv4. */
  readonly leads?: "first card";
  /** It is told all routes, and not its default gateways alone. */
  readonly routes?: true;
}

export interface Companion {
  /** What it is to the machine, and the setting that names it. "loader": the kernel, whose initrd the family's own file is. */
  readonly role: "initrd" | "loader";
  /** Where it is looked for in the image, in this order. */
  readonly places: readonly string[];
  readonly required: boolean;
}

export interface EndingKind {
  /** How init reads the guest's end off its console. */
  readonly rules: readonly ExitRule[];
  /** What a byte written to the debug port says; of several the first that fits counts. */
  readonly debugCodes?: readonly DebugCode[];
  /** "fault": 139; "end": as if it had switched its machine off; "said": that, if a rule has said a code before, else 139. */
  readonly reset: "fault" | "end" | "said";
  /**
   * "end": it can't be asked to stop, so its machine is ended, disks flushed; "button": by ACPI's power button, where its board has ACPI, and
   * a code that it says then is its own.
   */
  readonly stop: "end" | "button";
}

export interface DebugCode {
  /** Absent: any. */
  readonly value?: number;
  /** "#": the byte; "said": what a rule has said before, else 0. */
  readonly code: number | "#" | "said";
  /** For "said": the code where that would be 0. */
  readonly atLeast?: number;
}

/** What one kernel of a family has or lacks. */
export interface KernelTraits {
  /** Files that are part of it, by path: a disk mounted on their folder would hide them. */
  readonly files: ReadonlyMap<string, Buffer>;
  /** Words of the family's own for what it knows or lacks. */
  readonly knows: ReadonlySet<string>;
  /** The cards and disks that it does not boot without, in the order of their slots; it gets no other. */
  readonly declared?: readonly DeclaredDevice[];
  /** It can take system calls by its network. */
  readonly proxy: boolean;
  /** False: it has its own files or none, and no use for an initrd. */
  readonly takesFiles?: boolean;
}

export interface DeclaredDevice {
  readonly kind: "nic" | "disk";
  /** The guest's own for it. */
  readonly name: string;
}

/** Their names for those of a kind. */
export const namesOfDeclared = (
  declared: readonly DeclaredDevice[],
  wanted: DeclaredDevice["kind"],
): string[] => declared.flatMap(({ kind, name }) => (kind === wanted ? [name] : []));

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
  readonly knows?: KernelTraits["knows"];
  /** Addresses that it can ask for names, and the domains that names are looked for in. */
  readonly nameServers?: readonly string[];
  readonly searchDomains?: readonly string[];
  /** The TCP port where it is to take system calls. */
  readonly proxyPort?: number;
  readonly disks: readonly BootDisk[];
  /** It has files, as an initrd. */
  readonly hasFiles?: boolean;
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
  /** Of the default route of each family, if that leaves by this card: a guest has one in all. */
  readonly gateways: readonly { readonly family: 4 | 6; readonly address: string }[];
  /** Others by this card, to an address and its prefix; without a gateway whoever is there is on the card's network. */
  readonly routes?: readonly {
    readonly family: 4 | 6;
    readonly address: string;
    readonly prefix: number;
    readonly gateway: string | null;
  }[];
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
  /** The whole line: `*` stands for any text, `#` for a decimal integer, `@` for two hexadecimal digits, everything else for itself. */
  readonly line: string;
  /** The phase from now on. "ended" ends the machine at once. */
  readonly phase?: "main" | "ending" | "ended";
  /**
   * The exit code as long as no later line says another; "#": the line's number, "signal": that of the signal by which a program
   * ended. Its low eight bits count.
   */
  readonly code?: number | "#" | "signal";
  /** If the vCPU is really halted now, the guest has ended. */
  readonly halts?: true;
  /** A line for the container's log when its machine has ended; of several rules the last one's. */
  readonly say?: string;
}
