/** Solo5 (its include/elf_abi.h and mft_abi.h) on virtio, and so MirageOS. */
import { UnikrunError } from "../error.ts";
import type { KernelFile } from "./file/kernel-file.ts";
import { searchTrouble } from "./file/loaded-program.ts";
import type { Marks } from "./file/marks.ts";
import { imageByMultiboot, multibootTrouble } from "./file/multiboot.ts";
import type { Boot, BootArguments, ExitRule, GuestFamily, KernelTraits, Recognition } from "./guest.ts";
import { manifestOf } from "./solo5/manifest.ts";
import { mirageOptions, mirageWords } from "./solo5/mirage.ts";

const OWNER = "Solo5";
/** "ABI1": the target and the version of its interface, 32 bits each. */
const ABI = 0x31494241;
const TARGETS: Readonly<Record<number, string>> = { 1: "hvt", 2: "spt", 3: "virtio", 4: "muen", 5: "xen" };

/** Others run these than QEMU (solo5-tenders.ts). */
const OF_TENDERS: readonly string[] = ["spt", "hvt"];

/** Bytes of the command line, with its NUL (bindings/virtio/start.c). */
const LINE_LIMIT = 8191;

/** The kernel's last words (bindings/exit.c, abort.c); what follows them ends the machine. */
export const solo5Rules: readonly ExitRule[] = [
  { line: "Solo5: solo5_exit(#) called", code: "#" },
  { line: "Solo5: solo5_abort() called", code: 134 },
  { line: "Solo5: ABORT: *: Fatal trap", code: 139 },
  { line: "Solo5: ABORT: *", code: 134 },
];

export const solo5: GuestFamily = {
  name: "solo5",
  recognizes,
  memory: { defaultMiB: 64, floorMiB: 2, mostMiB: 1024 },
  board: { machine: "pc", loader: "init", firmware: "unikrun", acpi: false, debugPort: 0x501 },
  limits: { nics: 8, disks: 15 },
  devices: { modern: false, headers: true, disks: "blocks" },
  image: imageByMultiboot,
  traits: solo5Traits,
  bootArguments: solo5Arguments,
  ending: {
    rules: solo5Rules,
    // The same byte whatever the status, which the console alone tells.
    debugCodes: [{ code: "said" }],
    reset: "fault",
    stop: "end",
  },
  features: {
    arguments: 'yes, without `"` and `\\`',
    environment: "no",
    cards: "as many as it declares",
    addresses: "MirageOS, of its first card",
    gateways: "MirageOS, of its first card",
    routes: "by its gateway's card",
    mtu: "1,500",
    names: "no",
    hostname: "no",
    folders: "no",
    images: "yes, those that it declares",
    input: "no",
    exitCode: "yes, unless its console is quiet",
    stop: "ended",
  },
};

/** What a file was built for; null where it is none of Solo5's. */
export function solo5Target({ notes }: Pick<Marks, "notes">): { target: string; version: string } | null {
  const abi = notes.find(({ owner, type }) => owner === OWNER && type === ABI);
  if (!abi || abi.content.length < 8) return null;
  const number = abi.content.readUInt32LE(0);
  return { target: TARGETS[number] ?? `number ${number}`, version: String(abi.content.readUInt32LE(4)) };
}

function recognizes({ elf, notes, multiboot, file }: Marks): Recognition | null {
  const found = solo5Target({ notes });
  if (!found || OF_TENDERS.includes(found.target)) return null;
  const { target } = found;
  if (target !== "virtio")
    return {
      ...found,
      refusal: `for its target ${target}, and QEMU runs what is built for virtio: build it with -t virtio`,
    };
  if (!multiboot) return { ...found, refusal: "without a multiboot header: it was altered" };
  const trouble = multibootTrouble(multiboot, file.size) ?? (elf ? searchTrouble(elf) : null);
  return trouble === null ? found : { ...found, refusal: trouble };
}

/** Its devices' names become part of options and sentences. Throws UnikrunError for one that could be more than that. */
export function solo5Traits(kernel: KernelFile): KernelTraits {
  const declared = manifestOf(kernel);
  const strange = declared.find(({ name }) => !/^[A-Za-z0-9]{1,67}$/.test(name));
  if (!strange) return { files: new Map(), proxy: false, knows: mirageWords(kernel), declared };
  throw new UnikrunError(
    `The unikernel ${kernel.path} declares a device that is called ${JSON.stringify(strange.name)}, and Solo5 takes names of letters and digits only: build it with another.`,
  );
}

/** The program gets the text as it is, and splits it itself: white space ends an argument outside of double quotes. */
export function solo5Arguments(boot: Boot): BootArguments {
  const [, ...args] = boot.args;
  const commandLine = [...mirageOptions(boot), ...args].map(word).join(" ");
  const length = Buffer.byteLength(commandLine);
  if (length <= LINE_LIMIT) return { commandLine };
  throw new UnikrunError(
    `A Solo5 guest can't be told more than ${LINE_LIMIT} bytes, and its arguments and network take ${length}: shorten its arguments.`,
  );
}

function word(text: string, index: number): string {
  if (/^[^\s"\\\0]+$/.test(text)) return text;
  const [character] = /["\\\0]/.exec(text) ?? [];
  if (character === undefined) return `"${text}"`;
  throw new UnikrunError(
    `A Solo5 guest can't be told argument ${index + 1}: its command line can't carry ${character === "\0" ? "a NUL" : `the character ${character}`}; do without it.`,
  );
}
