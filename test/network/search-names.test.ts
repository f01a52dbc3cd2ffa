import test from "ava";
import { nameServers, searchNames } from "../../runtime/network/resolv-conf.ts";

const KUBERNETES = `search default.svc.cluster.local svc.cluster.local
nameserver 10.96.0.10
nameserver fe80::1%eth0
options ndots:5
`;

test("search domains come first where a name has too few dots", (t) => {
  t.deepEqual(searchNames(KUBERNETES, "db"), ["db.default.svc.cluster.local", "db.svc.cluster.local", "db"]);
  t.deepEqual(searchNames(KUBERNETES, "db."), ["db."]);
  t.deepEqual(searchNames("search a\n", "b.c"), ["b.c", "b.c.a"]);
  t.deepEqual(searchNames("", "b"), ["b"]);
});

test("name servers without their zone", (t) =>
  t.deepEqual(nameServers(KUBERNETES), ["10.96.0.10", "fe80::1"]));
