import test from "ava";
import type { Route } from "../../native/rtnetlink.ts";
import { defaultGateways, routeWords, staticRoutes } from "../../runtime/network/routes.ts";

/** A route of a link, as "10.9.0.0/16 10.0.0.3", "default 10.0.0.1" or "10.8.0.0/16 -". */
function route(index: number, words: string, metric = 0): Route {
  const [to = "", by = "-"] = words.split(" ");
  const [address = "", prefix = ""] = to.split("/");
  return {
    index,
    family: words.includes(":") ? 6 : 4,
    destination: to === "default" ? null : { address, prefix: Number(prefix) },
    gateway: by === "-" ? null : by,
    metric,
  };
}

const CARDS = new Set([2, 3]);
const gatewaysOf = (...routes: readonly Route[]): string[] =>
  defaultGateways(routes, CARDS).map(({ index, address }) => `${address} by ${index}`);

test("of default routes the one with the lowest metric counts, of each family, and of equal ones the first", (t) => {
  t.deepEqual(
    gatewaysOf(
      route(2, "default 10.0.0.1", 100),
      route(3, "default 10.1.0.1", 50),
      route(2, "default fd00::1", 1024),
      route(3, "default fd01::1", 1024),
    ),
    ["10.1.0.1 by 3", "fd00::1 by 2"],
  );
});

test("a default route by a link that is no card, without a gateway, or by one of the other family is none", (t) => {
  const odd = { ...route(2, "default fe80::1"), family: 4 as const };
  t.deepEqual(gatewaysOf(route(9, "default 10.9.0.1"), route(2, "default -"), odd), []);
  t.deepEqual(gatewaysOf(odd, route(3, "default 10.1.0.1", 700)), ["10.1.0.1 by 3"]);
});

test("what follows from a card's addresses and its default gateway is no route of its own", (t) => {
  const routes = [
    "default 10.0.0.1",
    "10.0.0.0/24 -",
    "169.254.1.1/32 -",
    "10.7.0.0/16 169.254.1.1",
    "10.6.0.0/16 10.0.0.1",
    "10.5.0.0/16 -",
    "fe80::/64 -",
    "fd00::/64 -",
    "fd05::/48 fd00::3",
  ].map((words) => route(2, words));
  const own = staticRoutes([...routes, route(3, "10.4.0.0/16 10.1.0.3")], 2, {
    addresses: [
      { family: 4, address: "10.0.0.2", prefix: 24 },
      { family: 6, address: "fd00::2", prefix: 64 },
    ],
    gateways: [{ family: 4, address: "10.0.0.1" }],
  });
  t.deepEqual(own.map(routeWords), ["10.7.0.0/16 via 169.254.1.1", "10.5.0.0/16", "fd05::/48 via fd00::3"]);
});
