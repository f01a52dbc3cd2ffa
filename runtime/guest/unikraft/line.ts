/**
 * Unikraft's command line: parameters of its libraries, `--`, and the program's arguments (lib/ukboot, lib/uklibparam, lib/ukargparse). White
 * space ends a word outside of quotes; within double quotes a backslash keeps the next quote or backslash.
 */
import { UnikrunError } from "../../error.ts";
import type { Boot, BootArguments, BootNic } from "../guest.ts";
import { ipv4GatewayOf, ipv4Of, ipv4Servers } from "../ipv4.ts";
import { valuesOf } from "./info.ts";

/** Bytes with the NUL and the kernel's path before it (CONFIG_LIBUKBOOT_CMDLINE_MAX_LEN). */
const LINE_LIMIT = 4095 - "/guest/kernel ".length;

/** Words, the kernel's path among them; of more a kernel forgets the last (CONFIG_LIBUKBOOT_MAXNBARGS). */
const WORD_LIMIT = 60;

/** What initrd0 is to become: files at the root, of a file system in memory unless the kernel has mounted another. */
const FILES = "vfs.fstab=initrd0:/:extract::ramfs=2:";

/** A parameter that says nothing. */
const NOTHING = "netdev.ip=";

/** Throws UnikrunError for what can't be told, by its place or name: its value may be a secret. */
export function unikraftLine(boot: Boot): BootArguments {
  const [, ...args] = boot.args;
  const parameters = [...network(boot), ...(boot.hasFiles ? [FILES] : []), ...environment(boot)];
  const words = [
    // As the first word the separator is an argument.
    ...(parameters.length === 0 ? [NOTHING] : parameters),
    "--",
    ...args.map((arg, index) => told(arg, `argument ${index + 1}`)),
  ];
  if (words.length >= WORD_LIMIT)
    throw new UnikrunError(
      `A Unikraft guest can't be told more than ${WORD_LIMIT - 1} words, and its network, environment (${boot.env.length}) and arguments (${args.length}) take ${words.length}: take some out.`,
    );
  const commandLine = words.map(quoted).join(" ");
  const length = Buffer.byteLength(commandLine);
  if (length <= LINE_LIMIT) return { commandLine };
  throw new UnikrunError(
    `A Unikraft guest can't be told more than ${LINE_LIMIT} bytes, and its network, environment and arguments take ${length}: shorten them.`,
  );
}

const quoted = (word: string): string =>
  /^[^\s"'\\]+$/.test(word) ? word : `"${word.replace(/["\\]/g, "\\$&")}"`;

function told(text: string, what: string): string {
  if (text !== "" && !text.includes("\0")) return text;
  const why = text === "" ? "it is empty" : "its command line can't carry a NUL";
  throw new UnikrunError(`A Unikraft guest can't be told ${what}: ${why}; do without it.`);
}

/** One word for each, as a list would end at a value that ends with a bracket. Left out for a kernel that takes none. */
function environment({ env, knows }: Boot): string[] {
  const most = valuesOf(knows, "env.vars");
  if (most === undefined && knows && knows.size > 0) return [];
  if (most !== undefined && env.length > most)
    throw new UnikrunError(
      `A Unikraft guest can't be told ${env.length} environment variables, since its kernel was built for ${most}: build it with a larger CONFIG_LIBPOSIX_ENVIRON_LIBPARAM_MAXCOUNT, or give it fewer than ${most + 1} of ${env.map(nameOf).join(", ")}.`,
    );
  return env.map((variable, index) => {
    if (/^[^=[]/.test(variable) && variable.includes("="))
      return `env.vars=${told(variable, `the environment variable ${nameOf(variable)}`)}`;
    throw new UnikrunError(
      `process.env[${index}] of config.json is no environment variable that a Unikraft guest can be told: write NAME=VALUE.`,
    );
  });
}

/** For sentences: an image may call one what a terminal obeys. */
const nameOf = (variable: string): string =>
  (variable.split("=", 1)[0] ?? "").replace(/[^\x21-\x7e]/g, "?").slice(0, 60);

/** One word for each card, in the machine's order. Left out for a kernel that asks DHCP only. */
function network(boot: Boot): string[] {
  const { nics, knows } = boot;
  const most = valuesOf(knows, "netdev.ip");
  if (most === undefined && knows && knows.size > 0) return [];
  if (most === undefined || nics.length <= most) return nics.map((nic, card) => address(nic, card, boot));
  throw new UnikrunError(
    `A Unikraft guest can't be told the addresses of ${nics.length} cards, since its kernel was built for ${most}: connect its container to fewer networks, or build it with a larger CONFIG_LIBUKNETDEV_EINFO_LIBPARAM_MAXCOUNT.`,
  );
}

/** Address, gateway, two name servers, host name, domain; lwIP takes what is behind the gateway from the first card. */
function address(nic: BootNic, card: number, boot: Boot): string {
  const own = ipv4Of(nic);
  const [first = "", second = ""] = ipv4Servers(boot);
  const fields = [
    own ? `${own.address}/${own.prefix}` : "",
    ipv4GatewayOf(nic) ?? "",
    ...(card === 0 ? [first, second, hostName(boot.hostname ?? ""), domainOf(boot)] : []),
  ];
  return `netdev.ip=${fields.join(":").replace(/:+$/, "")}`;
}

const isPlain = (name: string): boolean => /^[\w.-]*$/.test(name);

const domainOf = ({ searchDomains = [] }: Boot): string => searchDomains.find(isPlain) ?? "";

function hostName(name: string): string {
  if (isPlain(name)) return name;
  throw new UnikrunError(
    `A Unikraft guest can't be told the host name ${JSON.stringify(name)}: it may have letters, digits, hyphens and dots; choose another.`,
  );
}
