import test from "ava";
import { isTapName, tapName } from "../../runtime/network/taps.ts";

test("a tap has the container's short id in its name, and fits an interface's name", (t) => {
  const name = tapName("0123456789abcdef".repeat(4), 12);
  t.is(name, "uk0123456789-12");
  t.true(name.length <= 15);
  t.true(isTapName(name));
});

test("a container whose id is no hexadecimal number gets a name of its own", (t) => {
  t.not(tapName("web", 0), tapName("db", 0));
  t.true(isTapName(tapName("a name that is much longer than an interface's can be", 0)));
});

test("other interfaces are not taken for taps", (t) => {
  for (const name of ["eth0", "lo", "uk0", "ukbridge-0", "tap0"]) t.false(isTapName(name), name);
});
