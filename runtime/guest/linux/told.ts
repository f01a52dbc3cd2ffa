/** A Linux guest's network and disks, in words of its kernel's and in those that its init can look for in /proc/cmdline. */
import type { Boot, BootDisk, BootNic } from "../guest.ts";
import { dottedMask, ipv4GatewayOf, ipv4Of, ipv4Servers } from "../ipv4.ts";
import { kernelWord } from "./words.ts";

/** `ip=` and `hostname=` are the kernel's own; one that was built without them hands them to init as variables. It ignores words with a dot. */
export function networkWords(boot: Boot): string[] {
  const { hostname, nics, nameServers = [], searchDomains = [] } = boot;
  const list = (name: string, values: readonly string[]): string[] =>
    values.length === 0 ? [] : [`unikrun.${name}=${values.map(encoded).join(",")}`];
  return [
    ...ipWord(boot),
    ...(hostname ? [kernelWord(`hostname=${hostname}`, "its host name")] : []),
    ...nics.map((nic, index) => `unikrun.eth${index}=${describe(nic)}`),
    ...list("dns", nameServers),
    ...list("search", searchDomains),
  ];
}

/** Of the first card with an IPv4 address, since the kernel sets up one (its Documentation/admin-guide/nfs/nfsroot.rst). */
function ipWord(boot: Boot): string[] {
  const { nics, hostname = "" } = boot;
  const index = nics.findIndex(ipv4Of);
  const nic = nics[index];
  const own = nic && ipv4Of(nic);
  if (!nic || !own) return [];
  const name = /^[A-Za-z0-9.-]*$/.test(hostname) ? hostname : "";
  const [first = "", second = ""] = ipv4Servers(boot);
  const fields = [
    own.address,
    "",
    ipv4GatewayOf(nic) ?? "",
    dottedMask(own.prefix),
    name,
    `eth${index}`,
    "off",
    ...(first === "" ? [] : [first]),
    ...(second === "" ? [] : [second]),
  ];
  return [`ip=${fields.join(":")}`];
}

const describe = ({ mac, mtu, addresses, gateways, routes = [] }: BootNic): string =>
  [
    `mac=${mac}`,
    `mtu=${mtu}`,
    ...addresses.map(({ address, prefix }) => `ip=${address}/${prefix}`),
    ...gateways.map(({ address }) => `gw=${address}`),
    ...routes.map(
      ({ address, prefix, gateway }) => `route=${address}/${prefix}${gateway === null ? "" : `@${gateway}`}`,
    ),
  ].join(",");

/** "vda:/data:rw", with a comma between. */
export function diskWords(disks: readonly BootDisk[]): string[] {
  const mounts = disks.flatMap(({ index, mountpoint, readOnly }) =>
    mountpoint === undefined
      ? []
      : [`vd${String.fromCharCode(97 + index)}:${encoded(mountpoint)}:${readOnly ? "ro" : "rw"}`],
  );
  return mounts.length === 0 ? [] : [`unikrun.mounts=${mounts.join(",")}`];
}

/** What a shell would split, and what separates, as % and two hexadecimal digits a byte. */
const encoded = (text: string): string =>
  Buffer.from(text)
    .toString("latin1")
    .replace(/[^A-Za-z0-9/._~@+:-]/g, (byte) => `%${byte.charCodeAt(0).toString(16).padStart(2, "0")}`);
