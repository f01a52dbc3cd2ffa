import test from "ava";
import { inSubnet, isLinkLocal } from "../../native/ip-address.ts";

test("an address is in a subnet if its first bits are the same", (t) => {
  t.true(inSubnet("10.1.0.1", { address: "10.1.255.9", prefix: 16 }));
  t.false(inSubnet("10.2.0.1", { address: "10.1.255.9", prefix: 16 }));
  t.true(inSubnet("10.1.0.129", { address: "10.1.0.254", prefix: 25 }));
  t.false(inSubnet("10.1.0.127", { address: "10.1.0.254", prefix: 25 }));
  t.false(inSubnet("10.1.0.1", { address: "10.1.0.2", prefix: 32 }));
  t.true(inSubnet("fd00::1", { address: "fd00:0:0:0:1::2", prefix: 64 }));
  t.false(inSubnet("fd00:0:0:1::1", { address: "fd00::2", prefix: 64 }));
  t.true(inSubnet("2001:db8::ffff:1", { address: "2001:DB8:0:0:0:0:fffe:2", prefix: 111 }));
  t.true(inSubnet("::ffff:10.0.0.1", { address: "::ffff:a00:2", prefix: 120 }));
  t.false(inSubnet("::1", { address: "0.0.0.1", prefix: 0 }), "of the other family");
});

test("link-local addresses are fe80::/10", (t) => {
  t.deepEqual(["fe80::1", "febf::1", "fec0::1", "fd00::1", "169.254.1.1"].map(isLinkLocal), [
    true,
    true,
    false,
    false,
    false,
  ]);
});
