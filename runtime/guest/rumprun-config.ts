/**
 * rumprun's configuration (its doc/config.md, and lib/librumprun_base/config.c): JSON to look at, but with `env`, `net` and
 * `blk` as repeated keys, all values strings, and no escapes, so what would need one can't be said. It stands on
 * the kernel's command line.
 */
import { UnikrunError } from "../error.ts";
import type { Boot, BootDisk, BootNic } from "./guest.ts";
import { inSubnet, isLinkLocal } from "./subnet.ts";

/** Bytes of the kernel's command line without its NUL (BMK_MULTIBOOT_CMDLINE_SIZE); on a longer one it panics. */
const LIMIT = 4095;
/** QEMU puts the kernel's path, as it is in the machine's cage, before the text. */
const BEFORE = "/guest/kernel ".length;

/**
 * Addresses are set as they are on the container's interfaces, but for link-local ones, which the guest makes itself;
 * it has one default route a family. A program always starts in "/": no other working directory can be told.
 */
export function rumprunConfig(boot: Boot): string {
  const text = `{${[
    program(boot.args),
    ...boot.env.map(environment),
    ...(boot.hostname ? [pair("hostname", plain(boot.hostname, "the host name"))] : []),
    ...networks(boot.nics),
    ...filesystems(boot.disks),
  ].join(",")}}`;
  const length = BEFORE + Buffer.byteLength(text);
  if (length > LIMIT) throw tooLong(boot, length);
  return text;
}

const quoted = (text: string): string => `"${text}"`;

const pair = (key: string, value: string): string => `${quoted(key)}:${quoted(value)}`;

function object(key: string, fields: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(fields).map(([name, value]) => pair(name, value));
  return `${quoted(key)}:{${pairs.join(",")}}`;
}

/** Text that reaches the guest as it is; throws for other text. Control characters and UTF-8 pass. */
function plain(text: string, what: string): string {
  const [character] = /["\\\0]/.exec(text) ?? [];
  if (character !== undefined) {
    throw new UnikrunError(
      `A rumprun guest can't be told ${what} (${JSON.stringify(text)}): its configuration can't carry ${character === "\0" ? "a NUL" : `the character ${character}`}; do without it, or let the program read the value from a file.`,
    );
  }
  // The guest looks for this anywhere on its command line, and would read its configuration from a disk instead.
  if (text.includes("ROOTFSCFG=")) {
    throw new UnikrunError(
      `A rumprun guest can't be told ${what} (${JSON.stringify(text)}): ROOTFSCFG= would make it look for its configuration on a disk; do without it.`,
    );
  }
  return text;
}

/** `cmdline` is split at white space, and its quotes are taken away; `rc`, which images before October 2015 lack, keeps arguments whole. */
function program(args: readonly string[]): string {
  const [name = "rumprun", ...rest] = args.map((arg, i) =>
    plain(arg, i === 0 ? "the program's name" : `argument ${i}`),
  );
  if ([name, ...rest].every((arg) => /^[^\s']+$/.test(arg)))
    return pair("cmdline", [name, ...rest].join(" "));
  // An entry without argv crashes the guest.
  return `"rc":[{${pair("bin", name)},"argv":[${rest.map(quoted).join(",")}]}]`;
}

function environment(variable: string): string {
  const equals = variable.indexOf("=");
  if (equals < 1) {
    throw new UnikrunError(
      `${JSON.stringify(variable)} in process.env of config.json is no environment variable: write NAME=VALUE.`,
    );
  }
  return pair("env", plain(variable, `the environment variable ${variable.slice(0, equals)}`));
}

/** Every address is an entry of its own; the default route goes with an address in whose subnet its gateway is. */
function networks(nics: readonly BootNic[]): string[] {
  const routes = new Map(([4, 6] as const).map((family) => [family, defaultRoute(nics, family)]));
  return nics.flatMap(({ addresses }, card) =>
    addresses
      .filter(({ address }) => !isLinkLocal(address))
      .map((own) => {
        const route = routes.get(own.family);
        return object("net", {
          if: `vioif${card}`,
          type: own.family === 4 ? "inet" : "inet6",
          method: "static",
          addr: own.address,
          mask: String(own.prefix),
          ...(route?.by === own ? { gw: route.gateway } : {}),
        });
      }),
  );
}

type Address = BootNic["addresses"][number];

/** The first card's that has one. Told of a second one, or of one that it can't reach at once, the guest would not boot. */
function defaultRoute(nics: readonly BootNic[], family: 4 | 6): { gateway: string; by: Address } | undefined {
  for (const { gateways, addresses } of nics) {
    const gateway = gateways.find((each) => each.family === family)?.address;
    if (gateway === undefined) continue;
    const by = addresses.find(
      (own) => own.family === family && !isLinkLocal(own.address) && inSubnet(gateway, own),
    );
    if (by) return { gateway, by };
    throw new UnikrunError(
      `A rumprun guest can't use the gateway ${gateway}, which is in the subnet of none of its addresses: give the container's network a gateway in its own subnet, or none.`,
    );
  }
  return undefined;
}

/** In an order in which a mount point is not hidden by a later mount. */
function filesystems(disks: readonly BootDisk[]): string[] {
  const mounts = disks.flatMap(({ index, mountpoint }) =>
    mountpoint === undefined ? [] : [{ index, mountpoint }],
  );
  const depth = (path: string): number => path.split("/").filter((name) => name !== "").length;
  return mounts
    .sort((a, b) => depth(a.mountpoint) - depth(b.mountpoint))
    .map(({ index, mountpoint }) => {
      const what = `the mount point of disk ${index}`;
      if (!mountpoint.startsWith("/")) {
        throw new UnikrunError(
          `A rumprun guest can't be told ${what} (${JSON.stringify(mountpoint)}): it must be an absolute path.`,
        );
      }
      return object("blk", {
        source: "dev",
        path: `/dev/ld${index}a`,
        fstype: "blk",
        mountpoint: plain(mountpoint, what),
      });
    });
}

function tooLong({ args, env }: Boot, length: number): UnikrunError {
  const parts = [
    ...args.map((arg, i) => ({
      name: i === 0 ? "the program's name" : `argument ${i}`,
      bytes: Buffer.byteLength(arg),
    })),
    ...env.map((each) => ({
      name: `the environment variable ${each.split("=", 1)[0]}`,
      bytes: Buffer.byteLength(each),
    })),
  ];
  const longest = parts.sort((a, b) => b.bytes - a.bytes).slice(0, 3);
  return new UnikrunError(
    `A rumprun guest can't be told more than ${LIMIT} bytes on its command line, and its arguments, environment, network and disks take ${length}: shorten the longest of them (${longest.map(({ name, bytes }) => `${name}, ${bytes} bytes`).join("; ")}).`,
  );
}
