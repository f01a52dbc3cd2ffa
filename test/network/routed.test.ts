import test from "ava";
import type { Link, Route } from "../../native/rtnetlink.ts";
import { tellAddressing } from "../../runtime/network/routed.ts";

const link = { index: 2, name: "eth0", mtu: 1500, mac: "02:00:00:00:00:02" } as Link;

/** An address, its gateway, and where the link leads to without one. */
function tell(own: string, gateway: string, ...onLink: readonly string[]) {
  const family = own.includes(":") ? 6 : 4;
  const parse = (text: string) => {
    const [address = "", prefix] = text.split("/");
    return { address, prefix: Number(prefix) };
  };
  const routes = onLink.map(
    (destination): Route => ({ index: 2, family, destination: parse(destination), gateway: null, metric: 0 }),
  );
  const told = tellAddressing(
    link,
    { addresses: [{ family, ...parse(own) }], gateways: [{ family, address: gateway }] },
    routes,
  );
  const [address] = told.addresses;
  return {
    address: `${address?.address}/${address?.prefix}`,
    gateway: told.gateways[0]?.address,
    routers: told.routers,
  };
}

test("a gateway in a subnet that is on the link is told as it is", (t) => {
  for (const [own, gateway, subnet] of [
    ["172.17.0.2/16", "172.17.0.1", "172.17.0.0/16"],
    ["fd00::2/64", "fd00::1", "fd00::/64"],
  ] as const)
    t.deepEqual(tell(own, gateway, subnet), { address: own, gateway, routers: [] });
});

test("an address alone gets a subnet with a gateway, which stands for all but the guest", (t) => {
  t.deepEqual(tell("10.1.2.3/32", "169.254.1.1", "169.254.1.1/32"), {
    address: "10.1.2.3/8",
    gateway: "10.255.255.254",
    routers: [{ address: "169.254.1.1", standsFor: { allBut: "10.1.2.3" } }],
  });
  t.is(tell("10.255.255.254/32", "169.254.1.1").gateway, "10.255.255.253", "which is the guest's own");
  t.deepEqual(tell("fd00::3/128", "fe80::1"), {
    address: "fd00::3/64",
    gateway: "fd00::ffff:ffff:ffff:fffe",
    routers: [{ address: "fe80::1", standsFor: { allBut: "fd00::3" } }],
  });
});

test("a gateway of a subnet that is behind it stands for all", (t) => {
  t.deepEqual(tell("10.67.0.2/24", "10.67.0.1", "10.67.0.1/32"), {
    address: "10.67.0.2/24",
    gateway: "10.67.0.1",
    routers: [{ address: "10.67.0.1", standsFor: { allBut: "10.67.0.2" } }],
  });
});

test("a gateway outside a subnet that is on the link stands for what the guest was told only", (t) => {
  t.deepEqual(tell("10.1.0.2/25", "10.9.0.1", "10.1.0.0/25"), {
    address: "10.1.0.2/25",
    gateway: "10.1.0.126",
    routers: [{ address: "10.9.0.1", standsFor: { only: "10.1.0.126" } }],
  });
  t.deepEqual(tell("fd00::2/64", "fe80::1", "fd00::/64").routers, [
    { address: "fe80::1", standsFor: { only: "fd00::ffff:ffff:ffff:fffe" } },
  ]);
});
