/** Hermit: an application, which its loader boots. */
import { UnikrunError } from "../error.ts";
import { ELF_MACHINE, elfOf } from "./file/elf.ts";
import { imageForQemu } from "./file/elf-image.ts";
import type { KernelFile, KernelImage } from "./file/kernel-file.ts";
import type { Marks } from "./file/marks.ts";
import type { Boot, BootArguments, ExitRule, GuestFamily, Recognition } from "./guest.ts";
import { dottedMask, ipv4GatewayOf, ipv4Of, ipv4Servers } from "./ipv4.ts";

/** The version of what loader and application agree on (its hermit-entry). */
const NOTE = { owner: "HERMIT", entryVersion: 0x5a00 } as const;

const NO_ROOM =
  "Hermit's loader has 4 KiB for all that it does before the kernel, and this guest's arguments, environment and network take too much of them: give it fewer, some hundred bytes in all";

const EXIT_RULES: readonly ExitRule[] = [
  // Its loader says why in a line of its own, and goes round in circles then.
  { when: "boot", line: "[LOADER] panicked at *:#:#:", code: 134, phase: "main" },
  { when: "main", line: "memory allocation of # bytes failed", phase: "ended", say: NO_ROOM },
  { when: "main", line: "*", phase: "ended" },
  { line: "[*][PANIC] *", code: 134, phase: "ending" },
  // Its own stable message, whatever a runtime makes of a machine's end.
  { when: "boot", line: "exit status #", code: "#" },
];

const LOADER_PLACES = ["/hermit-loader", "/hermit-loader-x86_64", "/hermit-loader-x86_64-multiboot"] as const;

export const hermit: GuestFamily = {
  name: "hermit",
  recognizes,
  memory: { defaultMiB: 64, floorMiB: 32, mostMiB: 3583 },
  board: {
    machine: "pc",
    loader: "qemu",
    firmware: "seabios",
    acpi: true,
    debugPort: 0xf4,
    emulatedProcessor: "max",
    translationMiB: 16,
  },
  limits: { nics: 1, disks: 0 },
  devices: { modern: true, headers: false, disks: "none" },
  companion: { role: "loader", places: LOADER_PLACES, required: true },
  image,
  traits: () => ({ files: new Map(), knows: new Set(), proxy: false }),
  bootArguments,
  // It writes 1 there after a success and 0 after anything else.
  ending: { rules: EXIT_RULES, debugCodes: [{ code: "said" }], reset: "fault", stop: "end" },
  features: {
    arguments: "yes",
    environment: "yes",
    cards: "one",
    addresses: "IPv4, of its first card",
    gateways: "IPv4",
    routes: "by its card",
    mtu: "yes",
    names: "two",
    hostname: "no",
    folders: "no",
    images: "no",
    input: "yes",
    exitCode: "yes",
    stop: "ended",
  },
};

function recognizes(marks: Marks): Recognition | null {
  const { elf, notes } = marks;
  if (!elf) return null;
  if (isLoader(marks))
    return {
      target: "loader",
      refusal: `it is its loader, which boots an application: make the application the entrypoint, and put the loader at ${LOADER_PLACES[0]} of the image`,
    };
  const note = notes.find(({ owner }) => owner === NOTE.owner);
  if (!note) return null;
  const version = notes.find(({ owner, type }) => owner === NOTE.owner && type === NOTE.entryVersion)
    ?.content[0];
  const found = version === undefined ? {} : { version: String(version) };
  return elf.bits === 64 && elf.machine === ELF_MACHINE.x86_64
    ? found
    : { ...found, refusal: "it is not made for x86-64" };
}

const LOADER_WORDS = Buffer.from("Hermit Loader version");

/** A multiboot kernel of some hundred KB that says so at its start. */
function isLoader({ elf, multiboot, notes, file }: Marks): boolean {
  const LARGEST = 1 << 20;
  if (elf?.bits !== 32 || !multiboot || notes.length > 0 || file.size > LARGEST) return false;
  return file.read(0, file.size).includes(LOADER_WORDS);
}

/** The loader has both in memory, the file and the program that it makes of it. */
function image(kernel: KernelFile): KernelImage {
  const { entry, end } = imageForQemu(elfOf(kernel));
  return { entry, pieces: [], end: end + kernel.size };
}

function bootArguments(boot: Boot): BootArguments {
  const words = [
    ...boot.env.map((variable) => `env=${variable}`),
    // After the environment, since these are variables, too.
    ...networkWords(boot),
    "--",
    ...boot.args.slice(1),
  ];
  if (words.some((text) => text.includes("\0")))
    throw new UnikrunError(
      "A Hermit guest can't be told a NUL: take it out of its arguments and environment.",
    );
  return { commandLine: words.map(quoted).join(" ") };
}

function networkWords(boot: Boot): string[] {
  const [nic] = boot.nics;
  const own = nic && ipv4Of(nic);
  if (!nic || !own) return [];
  const servers = ipv4Servers(boot).slice(0, 2);
  return [
    ...["-ip", own.address, "-mask", dottedMask(own.prefix)],
    // Without one it takes one of its own.
    ...["-gateway", ipv4GatewayOf(nic) ?? own.address],
    // Its frames' size, header included.
    `env=HERMIT_MTU=${nic.mtu + 14}`,
    ...servers.map((address, index) => `env=HERMIT_DNS${index + 1}=${address}`),
  ];
}

/** As a shell would have it. */
const quoted = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
