/** What a MirageOS unikernel of Solo5 can be told of its network: options that it was built with, since it ends at one that it does not know. */

import { readElf } from "../file/elf.ts";
import type { KernelFile } from "../file/kernel-file.ts";
import { LoadedProgram } from "../file/loaded-program.ts";
import type { Boot, BootNic } from "../guest.ts";

/** By the names of mirage-runtime's and tcpip's arguments. */
const OPTIONS = ["ipv4", "ipv4-gateway", "ipv6", "ipv6-gateway"] as const;

/** Its network stack is in it. */
const MARK = Buffer.from("ipv4-gateway");

/** The options that the kernel has. */
export function mirageWords(kernel: KernelFile): ReadonlySet<string> {
  const reading = readElf(kernel);
  if (reading.kind !== "elf") return new Set();
  const program = new LoadedProgram(kernel, reading.elf);
  const known = new Set<string>();
  for (const { bytes } of program.pieces(MARK.length + 2)) {
    for (const option of OPTIONS) if (!known.has(option) && hasWord(bytes, option)) known.add(option);
  }
  return known.has("ipv4-gateway") || known.has("ipv6-gateway") ? known : new Set();
}

/** Places in a piece that are looked at: more than any kernel has, so that one that was made to be searched for long is not. */
const MOST_PLACES = 1 << 12;

/** With no letter, digit or hyphen around it: "ipv4" alone is another word than "ipv4-only". */
function hasWord(bytes: Buffer, word: string): boolean {
  const text = Buffer.from(word);
  let at = bytes.indexOf(text);
  for (let places = 0; at >= 0 && places < MOST_PLACES; places++, at = bytes.indexOf(text, at + 1)) {
    const [before = 0, after = 0] = [bytes[at - 1], bytes[at + text.length]];
    if (!isPart(before) && !isPart(after)) return true;
  }
  return false;
}

const isPart = (byte: number): boolean => /[A-Za-z0-9-]/.test(String.fromCharCode(byte));

/** Of its first card, which is the one that a stack without a name has; none that its arguments give, as it takes each but once. */
export function mirageOptions({ nics, knows, args }: Boot): string[] {
  const [nic] = nics;
  if (!nic || !knows) return [];
  const isGiven = (option: string): boolean => {
    const [name = ""] = option.split("=");
    return args.some((arg) => arg === name || arg.startsWith(`${name}=`));
  };
  return ([4, 6] as const)
    .flatMap((family) => optionsOf(nic, family, knows))
    .filter((option) => !isGiven(option));
}

function optionsOf(nic: BootNic, family: 4 | 6, knows: ReadonlySet<string>): string[] {
  const own = nic.addresses.find((each) => each.family === family);
  if (!own || !knows.has(`ipv${family}`)) return [];
  const gateway = nic.gateways.find((each) => each.family === family);
  return [
    `--ipv${family}=${own.address}/${own.prefix}`,
    ...(gateway && knows.has(`ipv${family}-gateway`) ? [`--ipv${family}-gateway=${gateway.address}`] : []),
  ];
}
