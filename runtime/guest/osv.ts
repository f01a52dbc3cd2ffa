/** OSv, entered by PVH: its loader with the image's files in it, or on a disk image. */
import { UnikrunError } from "../error.ts";
import { elfOf, readElf } from "./file/elf.ts";
import { imageForQemu } from "./file/elf-image.ts";
import type { KernelFile, KernelImage } from "./file/kernel-file.ts";
import type { Marks } from "./file/marks.ts";
import { isGuestOs, type Note, readNotes } from "./file/notes.ts";
import type { Boot, BootArguments, BootNic, ExitRule, GuestFamily, Recognition } from "./guest.ts";
import { dottedMask, ipv4GatewayOf, ipv4Of, ipv4Servers } from "./ipv4.ts";

/** Of its runtime.cc, core/app.cc and loader.cc. */
const EXIT_RULES: readonly ExitRule[] = [
  { line: "program * returned #", code: "#" },
  { line: "program exited with status #", code: "#" },
  { line: "Failed to load object: *. Powering off.", code: 127 },
  { line: "page fault outside application*", code: 139 },
  { line: "*Aborted", code: 134 },
  { line: "Assertion failed: *", code: 134 },
  // Whatever was wrong: it halts behind the last of these.
  { line: "[backtrace]", phase: "ending", halts: true },
  { when: "ending", line: "0x* <*handle_mmap_fault*>", code: 139, halts: true },
  { when: "ending", line: "0x* <*>", halts: true },
];

export const osv: GuestFamily = {
  name: "osv",
  recognizes,
  memory: { defaultMiB: 128, floorMiB: 16, mostMiB: 1 << 20 },
  board: { machine: "pc", loader: "qemu", firmware: "seabios", acpi: true, hpet: true, translationMiB: 32 },
  limits: { nics: 8, disks: 15 },
  devices: { modern: false, headers: true, disks: "blocks" },
  image,
  traits: () => ({ files: new Map(), knows: new Set(), proxy: false }),
  bootArguments,
  ending: { rules: EXIT_RULES, reset: "fault", stop: "button" },
  features: {
    arguments: "yes, without `$`",
    environment: "yes",
    cards: "eight",
    addresses: "IPv4, one a card",
    gateways: "IPv4",
    routes: "by its gateway's card",
    mtu: "1,500",
    names: "one",
    hostname: "no",
    folders: "no",
    images: "yes",
    input: "yes",
    exitCode: "yes",
    stop: "its power button",
  },
};

const isOsv = (notes: readonly Note[]): boolean => isGuestOs(notes, "osv");

function recognizes({ elf, notes, file }: Marks): Recognition | null {
  if (elf) return isOsv(notes) ? { target: "PVH" } : null;
  if (!hasLoaderBehind(file)) return null;
  return {
    target: "vmlinuz",
    refusal: "it is its vmlinuz.bin, which QEMU can't enter: take the loader.elf of the same build",
  };
}

/** Its vmlinuz.bin is a header of Linux's with the loader behind. */
function hasLoaderBehind(file: KernelFile): boolean {
  const HEADER = 2048;
  const rest: KernelFile = {
    path: file.path,
    size: Math.max(0, file.size - HEADER),
    read: (offset, length) => file.read(HEADER + offset, length),
  };
  const reading = readElf(rest);
  return reading.kind === "elf" && isOsv(readNotes(rest, reading.elf));
}

function image(kernel: KernelFile): KernelImage {
  return imageForQemu(elfOf(kernel));
}

/** Bytes of the command line without its NUL: with more than a page it ends in a fault of its own before it has memory. */
const LINE_LIMIT = 4095;

/** Options of its loader may stand before the command in the arguments, too; one that it does not know ends it. */
function bootArguments(boot: Boot): BootArguments {
  const [, ...args] = boot.args;
  const first = args.findIndex((text) => !text.startsWith("-"));
  if (first < 0)
    throw new UnikrunError(
      "An OSv guest runs the command that its arguments are, and there is none: name a program of the image's, as in /hello.",
    );
  const options = [
    // Else it does not say with what its program ended.
    "--verbose",
    ...boot.nics.flatMap(nicOptions),
    ...gatewayAndNames(boot),
    ...boot.env.map((variable) => `--env=${variable}`),
    ...(boot.cwd === "/" ? [] : [`--cwd=${boot.cwd}`]),
    ...args.slice(0, first),
  ];
  const commandLine = [...options.map(option), ...args.slice(first).map(word)].join(" ");
  if (commandLine.includes("\0"))
    throw new UnikrunError("An OSv guest can't be told a NUL: take it out of its arguments and environment.");
  const length = Buffer.byteLength(commandLine);
  if (length <= LINE_LIMIT) return { commandLine };
  throw new UnikrunError(
    `An OSv guest can't be told more than ${LINE_LIMIT} bytes, and its arguments, environment and network take ${length}: shorten its arguments and environment.`,
  );
}

/** One address a card: a later one would take the place of the first. */
function nicOptions(nic: BootNic, index: number): string[] {
  const own = ipv4Of(nic);
  return own ? [`--ip=eth${index},${own.address},${dottedMask(own.prefix)}`] : [];
}

function gatewayAndNames(boot: Boot): string[] {
  const { nics } = boot;
  const [gateway] = nics.flatMap((nic) => ipv4GatewayOf(nic) ?? []);
  const [server] = ipv4Servers(boot);
  return [
    ...(gateway === undefined ? [] : [`--defaultgw=${gateway}`]),
    ...(server === undefined || nics.length === 0 ? [] : [`--nameserver=${server}`]),
  ];
}

/** A backslash takes its meaning from the character behind it. */
const option = (text: string): string => text.replace(/[\s\\]/g, "\\$&");

function word(text: string, index: number): string {
  if (!text.includes("$")) return `"${text.replace(/["\\]/g, "\\$&")}"`;
  throw new UnikrunError(
    `An OSv guest can't be told word ${index + 1} of its command: behind a $ it would look for a variable's name; do without it, or name a variable whose value it is.`,
  );
}
