/** Whether a host that a check names is the guest itself. */
import { readSmallText } from "../../../../native/regular-file.ts";
import { guestNics } from "../../../network/visit.ts";
import { type Container, netnsOf } from "../../record/container.ts";

/** As guests have it without being told. */
const LOOPBACK =
  /^(?:(?:.+\.)?localhost|localhost\.localdomain|ip6-(?:localhost|loopback)|127(?:\.\d{1,3}){3}|0\.0\.0\.0|::1?)$/;

/** `host` as in a URL, with brackets or not. */
export function meansGuest(container: Container, host: string): boolean {
  const name = plain(host);
  if (LOOPBACK.test(name)) return true;
  const { hostname, env } = container.guest;
  if ([hostname, /^HOSTNAME=(.*)/m.exec(env.join("\n"))?.[1]].some((own) => own?.toLowerCase() === name))
    return true;
  const addresses = guestNics({ netns: netnsOf(container), containerId: container.id }).flatMap((nic) =>
    nic.addresses.map(({ address }) => address),
  );
  const asked = [name, ...hostsAddresses(container, name)].map(plain);
  return asked.some((address) => LOOPBACK.test(address) || addresses.includes(address));
}

/** In lower case, without brackets, and an IPv6 address in its short form. */
function plain(host: string): string {
  const name = host.toLowerCase().replace(/^\[|\]$|\.$/g, "");
  return name.includes(":") && URL.canParse(`http://[${name}]`)
    ? new URL(`http://[${name}]`).hostname.replace(/^\[|\]$/g, "")
    : name;
}

/** Bytes. */
const LONGEST = 1 << 20;

/** What the hosts file says that the engine mounts. */
function hostsAddresses({ guest: { mounts } }: Container, name: string): string[] {
  const source = mounts.findLast(({ destination }) => destination === "/etc/hosts")?.source;
  if (source === undefined) return [];
  try {
    return readSmallText(source, LONGEST)
      .split("\n")
      .map((line) => line.replace(/#.*/, "").trim().toLowerCase().split(/\s+/))
      .flatMap(([address = "", ...names]) => (names.includes(name) ? [address] : []));
  } catch {
    return [];
  }
}
