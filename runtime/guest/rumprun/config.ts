/**
 * rumprun's configuration (its doc/config.md, and lib/librumprun_base/config.c): JSON to look at, but with `env`, `net` and
 * `blk` as repeated keys, all values strings, and no escapes, so what would need one can't be said. It stands on
 * the kernel's command line, or in a file.
 */
import { inSubnet, isLinkLocal } from "../../../native/ip-address.ts";
import { UnikrunError } from "../../error.ts";
import type { Boot, BootArguments, BootDisk, BootNic } from "../guest.ts";

/** Bytes of the kernel's command line without its NUL (BMK_MULTIBOOT_CMDLINE_SIZE); on a longer one it panics. */
const LINE_LIMIT = 4095;
/** QEMU puts the kernel's path, as it is in the machine's cage, before the text. */
const BEFORE = "/guest/kernel ".length;
/** Bytes of a configuration that is read from a file of the first disk. */
const FILE_LIMIT = 65535;

const FILE = "/rumprun.json";

/**
 * Addresses are set as they are on the container's interfaces, but for link-local ones, which the guest makes itself;
 * it has one default route a family. A program always starts in "/", or in "/rootfs" where the configuration is too long
 * for the command line: no other working directory can be told.
 */
export function rumprunConfig(boot: Boot): BootArguments {
  const line = configuration(boot, 0);
  if (BEFORE + Buffer.byteLength(line) <= LINE_LIMIT) return { commandLine: refuseMark(line, boot) };
  const text = configuration(boot, 1);
  const length = Buffer.byteLength(text);
  if (length > FILE_LIMIT) throw tooLong(boot, length);
  return { commandLine: `_RUMPRUN_ROOTFSCFG=${FILE}`, firstDisk: { path: FILE, text } };
}

/** `firstDisk`: the number of the first of the boot's disks. */
function configuration(boot: Boot, firstDisk: number): string {
  return `{${[
    program(boot.args),
    ...boot.env.map(environment),
    ...(boot.proxyPort === undefined
      ? []
      : [pair("env", `${PROXY_VARIABLE}=tcp://0.0.0.0:${boot.proxyPort}`)]),
    ...(boot.hostname
      ? [pair("hostname", plain(boot.hostname, `the host name ${JSON.stringify(boot.hostname)}`))]
      : []),
    ...networks(boot),
    ...filesystems(boot.disks.map((disk) => ({ ...disk, index: disk.index + firstDisk }))),
  ].join(",")}}`;
}

const quoted = (text: string): string => `"${text}"`;

const pair = (key: string, value: string): string => `${quoted(key)}:${quoted(value)}`;

function object(key: string, fields: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(fields).map(([name, value]) => pair(name, value));
  return `${quoted(key)}:{${pairs.join(",")}}`;
}

/** Text that reaches the guest as it is; throws for other text, which may be a secret and is not shown. Control characters and UTF-8 pass. */
function plain(text: string, what: string): string {
  const [character] = /["\\\0]/.exec(text) ?? [];
  if (character !== undefined) {
    throw new UnikrunError(
      `A rumprun guest can't be told ${what}: its configuration can't carry ${character === "\0" ? "a NUL" : `the character ${character}`}; do without it, or let the program read the value from a file.`,
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

/** The guest looks for this anywhere on its command line, and would read its configuration from a disk instead. */
function refuseMark(line: string, { args, env }: Boot): string {
  if (!line.includes("ROOTFSCFG=")) return line;
  const has = (text: string): boolean => text.includes("ROOTFSCFG=");
  const [variable, argument] = [env.find(has), args.findIndex(has)];
  const what =
    variable !== undefined
      ? `the environment variable ${nameOf(variable)}`
      : argument < 0
        ? "its host name or a mount point"
        : `argument ${argument}`;
  throw new UnikrunError(
    `A rumprun guest can't be told ${what}: ROOTFSCFG= in it would make the guest look for its configuration on a disk; do without it.`,
  );
}

/** Has the kernel take system calls from whoever reaches the address that it names. */
export const PROXY_VARIABLE = "RUMPRUN_SYSPROXY";

function environment(variable: string, index: number): string {
  if (nameOf(variable) === PROXY_VARIABLE) {
    throw new UnikrunError(
      `A rumprun guest is not told the environment variable ${PROXY_VARIABLE}: with it, whoever reaches the address in it has the guest's files and network; take it out.`,
    );
  }
  if (variable.indexOf("=") < 1) {
    throw new UnikrunError(
      `process.env[${index}] of config.json is no environment variable: write NAME=VALUE.`,
    );
  }
  return pair("env", plain(variable, `the environment variable ${nameOf(variable)}`));
}

const nameOf = (variable: string): string => variable.split("=", 1)[0] ?? "";

/** Of kernels of 2015, in their traits: it can be told one address only, and does not boot if it is told more. */
export const SINGLE_NETWORK = "single-network";

/** Every address is an entry of its own; the default route goes with an address in whose subnet its gateway is. */
function networks({ nics, knows }: Boot): string[] {
  const told = knows?.has(SINGLE_NETWORK) ? [onlyNetwork(nics)] : nics;
  const routes = new Map(([4, 6] as const).map((family) => [family, defaultRoute(told, family)]));
  return told.flatMap(({ addresses }, card) =>
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

/** For kernels of 2015: IPv4 if there is any, since that is what their programs listen on. */
function onlyNetwork(nics: readonly BootNic[]): BootNic {
  const [nic, second] = nics.filter(({ addresses }) =>
    addresses.some(({ address }) => !isLinkLocal(address)),
  );
  if (second) {
    throw new UnikrunError(
      "This rumprun kernel is of 2015 and can be told of one network only, and its container is on several: connect it to one, or build it anew with a later rumprun.",
    );
  }
  const global = nic?.addresses.filter(({ address }) => !isLinkLocal(address)) ?? [];
  const own = global.find(({ family }) => family === 4) ?? global[0];
  return {
    mac: nic?.mac ?? "",
    mtu: nic?.mtu ?? 0,
    addresses: own ? [own] : [],
    gateways: nic?.gateways.filter(({ family }) => family === own?.family) ?? [],
  };
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
      const what = `the mount point ${JSON.stringify(mountpoint)} of disk ${index}`;
      if (!mountpoint.startsWith("/")) {
        throw new UnikrunError(`A rumprun guest can't be told ${what}: it must be an absolute path.`);
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
      name: `the environment variable ${nameOf(each)}`,
      bytes: Buffer.byteLength(each),
    })),
  ];
  const longest = parts.sort((a, b) => b.bytes - a.bytes).slice(0, 3);
  return new UnikrunError(
    `A rumprun guest can't be told more than ${FILE_LIMIT} bytes, and its arguments, environment, network and disks take ${length}: shorten the longest of them (${longest.map(({ name, bytes }) => `${name}, ${bytes} bytes`).join("; ")}).`,
  );
}
