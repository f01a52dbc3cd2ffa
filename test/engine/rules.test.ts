/** Rules in a network namespace that a container has, and a unikernel beside it (docker run --network container:NAME). */
import test, { type ExecutionContext } from "ava";
import { engine, inspect, makeNetwork, type Outcome, runProbe, startNeighbour, succeed } from "./harness.ts";

/** A container as one with a VPN is, on a network with the engine's name server; `add` runs a program in its namespace. */
function startVpn(t: ExecutionContext) {
  const name = startNeighbour(t, makeNetwork(t), "sleep 1000");
  const inside = ["nsenter", "-t", inspect(name, "{{.State.Pid}}"), "-n"];
  return {
    add: (line: string): void => void succeed([...inside, ...line.split(" ")]),
    beside: (...options: readonly string[]): Outcome =>
      runProbe(["return", "3"], ["--network", `container:${name}`, ...options]),
  };
}

test("the engine's own rules, which are for its name server, keep no guest from starting", (t) => {
  const { beside } = startVpn(t);
  const { code, stderr } = beside();
  t.is(code, 3, stderr);
});

for (const [what, lines, named] of [
  ["a kill switch", ["iptables -A OUTPUT ! -o tun0 -j DROP"], /chain ip filter OUTPUT of 1 rule\)/],
  ["a kill switch by its policy", ["iptables -P OUTPUT DROP"], /chain ip filter OUTPUT that drops/],
  [
    "a default route by a tunnel",
    ["ip tuntap add tun0 mode tun", "ip link set tun0 up", "ip route replace default dev tun0"],
    /\(a default route by tun0\)/,
  ],
  [
    "a service mesh's redirect",
    ["iptables -t nat -A OUTPUT -p tcp -j REDIRECT --to-ports 15001"],
    /chain ip nat OUTPUT of 1 rule\)/,
  ],
] as const)
  test(`${what} of the container beside it keeps a guest from starting, and is named`, (t) => {
    const { add, beside } = startVpn(t);
    for (const line of lines) add(line);
    const { code, stderr } = beside();
    t.is(code, 125, stderr);
    t.regex(stderr, named);
    if (engine === "20") return t.log("docker run has no annotations before Docker 24");
    const accepted = beside("--annotation", "org.unikrun.networkRules=ignore");
    return t.is(accepted.code, 3, accepted.stderr);
  });
