/** Linux itself, with an init of the image's in an initial RAM disk, or on a disk that a parameter names. */
import { UnikrunError } from "../error.ts";
import type { Boot, BootArguments, ExitRule, GuestFamily } from "./guest.ts";
import { linuxEnvironment } from "./linux/environment.ts";
import { linuxImage, recognizeLinux } from "./linux/file.ts";
import { diskWords, networkWords } from "./linux/told.ts";
import { kernelWord } from "./linux/words.ts";

/** What reboot(2) and panic() of the kernel print, whatever `quiet` says; its time may come before. */
const EXIT_RULES: readonly ExitRule[] = [
  // It repeats what it said.
  { line: "*---[ end Kernel panic *" },
  // The status of init as wait(2) has it: it returned, or was ended by a signal.
  { line: `*${panic("Attempted to kill init! exitcode=0x0000@00")}`, code: "#" },
  { line: `*${panic("Attempted to kill init! exitcode=0x000000@")}`, code: "signal" },
  { line: `*${panic("System is deadlocked on memory")}`, code: 137 },
  { line: `*${panic("Out of memory*")}`, code: 137 },
  { line: `*${panic("Requested init * failed*")}`, code: 127 },
  { line: `*${panic("No working init found*")}`, code: 127 },
  { line: `*${panic("VFS: Unable to mount root fs*")}`, code: 126 },
  { line: `*${panic("*")}`, code: 134 },
  // An init that says so has no need of a panic (docs/guests.md).
  { when: "boot", line: "unikrun: exit status #", code: "#", phase: "ending" },
  { when: "boot", line: "*reboot: Power down", code: 0 },
  { when: "boot", line: "*reboot: Restarting system*", code: 0 },
  { when: "boot", line: "*reboot: System halted", code: 0, halts: true },
  { line: "*reboot: System halted", halts: true },
];

function panic(words: string): string {
  return `Kernel panic - not syncing: ${words}`;
}

/** Its console, and what ends the machine at once when the kernel has said why it ends. */
const OWN_WORDS = ["console=ttyS0", "panic=-1", "reboot=t", "quiet"] as const;

/** Bytes of the command line (COMMAND_LINE_SIZE of x86), without its NUL. */
const LINE_LIMIT = 2047;
/** CONFIG_INIT_ENV_ARG_LIMIT as it is by default; with more the kernel panics. */
const MOST_ARGUMENTS = 32;

export const linux: GuestFamily = {
  name: "linux",
  recognizes: recognizeLinux,
  memory: { defaultMiB: 128, floorMiB: 16, mostMiB: 1 << 20 },
  board: {
    machine: "pc",
    loader: "qemu",
    firmware: "seabios",
    acpi: true,
    debugPort: 0x501,
    translationMiB: 32,
  },
  limits: { nics: 8, disks: 15 },
  devices: { modern: false, headers: true, disks: "folders", routes: true },
  companion: {
    role: "initrd",
    places: ["/initrd", "/initrd.img", "/boot/initrd", "/boot/initrd.img"],
    required: false,
  },
  image: linuxImage,
  traits: () => ({ files: new Map(), knows: new Set(), proxy: false }),
  bootArguments,
  ending: { rules: EXIT_RULES, debugCodes: [{ code: "#" }], reset: "said", stop: "button" },
  features: {
    arguments: "yes, as far as quotation marks come in pairs",
    environment: "yes, names in capital letters",
    cards: "eight",
    addresses: "`ip=`, or its init reads them",
    gateways: "`ip=`, or its init reads them",
    routes: "its init reads them",
    mtu: "yes",
    names: "yes, as addresses",
    hostname: "yes",
    folders: "yes, its init mounts them",
    images: "yes",
    input: "yes",
    exitCode: "yes",
    stop: "its power button",
  },
};

/** Parameters of the kernel come before the first `--` of the arguments, as on its own command line. */
function bootArguments(boot: Boot): BootArguments {
  const given = boot.args.slice(1).map((text, index) => kernelWord(text, `argument ${index + 1}`));
  const dashes = given.indexOf("--");
  const [parameters, args] = [given.slice(0, Math.max(dashes, 0)), given.slice(dashes + 1)];
  if (args.length > MOST_ARGUMENTS)
    throw new UnikrunError(
      `A Linux guest's init can be told ${MOST_ARGUMENTS} arguments, and these are ${args.length}: give it fewer.`,
    );
  const commandLine = [
    ...OWN_WORDS,
    ...networkWords(boot),
    ...diskWords(boot.disks),
    ...parameters,
    ...linuxEnvironment(boot.env),
    ...(args.length === 0 ? [] : ["--", ...args]),
  ].join(" ");
  // QEMU looks for it anywhere, and ends at one that it can't read.
  if (/vga=/.test(commandLine) && !parameters.some((word) => word.startsWith("vga=")))
    throw new UnikrunError(
      "A Linux guest can't be told a word with vga= in it, which QEMU takes for the mode of a display: do without it.",
    );
  const length = Buffer.byteLength(commandLine);
  if (length <= LINE_LIMIT) return { commandLine };
  throw new UnikrunError(
    `A Linux guest can't be told more than ${LINE_LIMIT} bytes, and its arguments, environment, network and disks take ${length}: shorten its arguments and environment.`,
  );
}
