/** Guests that QEMU loads itself, under a real engine: what they are told of its network. */
import test from "ava";
import { docker, guestImage, makeNetwork } from "./harness.ts";

const linux = (): string => guestImage("linux", { "/kernel": "bzimage.bin", "/initrd": "probe.bin" });

test("a Linux guest is told the container's address, names and host name, and its code is the container's", (t) => {
  const network = makeNetwork(t);
  const options = ["--network", network, "--hostname", "web", "-e", "WHO=me"];
  const { code, stdout } = docker(
    "run",
    "--rm",
    "--runtime=unikrun",
    ...options,
    linux(),
    "two words",
    "do=port:7",
  );
  t.is(code, 7);
  const line = /^command line: (.*)$/m.exec(stdout.replaceAll("\r", ""))?.[1] ?? "";
  t.regex(line, / ip=[\d.]+::[\d.]+:255\.255\.0\.0:web:eth0:off:[\d.]+ hostname=web /);
  t.regex(line, / unikrun\.eth0=mac=[0-9a-f:]+,mtu=1500,ip=[\d.]+\/16,gw=[\d.]+ unikrun\.dns=[\d.]+ /);
  t.regex(line, / WHO=me .*-- "two words" do=port:7$/);
});
