/** What of a namespace's rules keeps a guest from starting in it, and what engines put there does not. */
import test, { type ExecutionContext } from "ava";
import { wireNetwork } from "../../runtime/network/wire.ts";
import { makeNetns, run } from "./netns.ts";
import { type Published, swarmRules } from "./swarm-rules.ts";

type Rules = readonly string[];

/** Wires a guest into a namespace in which these commands were run before; skips, with its reason, where they can't be. */
function wire(t: ExecutionContext, commands: Rules, rules?: "ignore"): string | null {
  using netns = makeNetns();
  const name = netns.path.replace(/^.*\//, "");
  for (const command of commands) {
    try {
      run(`ip netns exec ${name} ${command}`);
    } catch (error) {
      t.log(`skipped: this host has no way to it: ${error}`);
      return null;
    }
  }
  const options = { netns: netns.path, containerId: "c1", limit: 8, ...(rules ? { rules } : {}) };
  try {
    using wiring = wireNetwork(options);
    return `${wiring.nics.length} card`;
  } catch (error) {
    return String(error);
  }
}

const [HTTP, DNS_PORT, SCTP]: Published[] = [
  { protocol: "tcp", published: 8090, own: 80 },
  { protocol: "udp", published: 53, own: 53 },
  { protocol: "sctp", published: 7000, own: 7001 },
];

const swarm = (kind: "nft" | "legacy", address: string, ...ports: (Published | undefined)[]): string[] =>
  swarmRules(
    `iptables-${kind}`,
    address,
    ports.flatMap((port) => port ?? []),
  );

for (const [what, commands, named] of [
  [
    "a kill switch by nf_tables",
    ["iptables-nft -P OUTPUT DROP"],
    /nf_tables chain ip filter OUTPUT that drops/,
  ],
  ["one of IPv6", ["ip6tables-nft -P OUTPUT DROP"], /nf_tables chain ip6 filter OUTPUT that drops/],
  [
    "one by a rule",
    ["iptables-nft -A OUTPUT ! -o tun0 -j REJECT", "iptables-nft -A OUTPUT -o lo -j ACCEPT"],
    /nf_tables chain ip filter OUTPUT of 2 rules/,
  ],
  ["a firewall", ["iptables-nft -A INPUT -p tcp --dport 22 -j DROP"], /chain ip filter INPUT of 1 rule\)/],
  [
    "a service mesh's redirects",
    [
      "iptables-nft -t nat -N MESH_OUTPUT",
      "iptables-nft -t nat -A MESH_OUTPUT -p tcp -j REDIRECT --to-ports 15001",
      "iptables-nft -t nat -A OUTPUT -p tcp -j MESH_OUTPUT",
    ],
    /nf_tables chain ip nat OUTPUT of 1 rule/,
  ],
  [
    "a rule that is for all but the engine's name server",
    ["iptables-nft -t nat -A OUTPUT ! -d 127.0.0.11 -p udp -j REDIRECT --to-ports 53"],
    /nf_tables chain ip nat OUTPUT of 1 rule/,
  ],
  [
    "a kill switch by older iptables",
    ["iptables-legacy -P OUTPUT DROP"],
    /iptables chain ip filter OUTPUT that drops/,
  ],
  ["one of IPv6", ["ip6tables-legacy -P OUTPUT DROP"], /iptables chain ip6 filter OUTPUT that drops/],
  [
    "rules by older iptables",
    [
      "iptables-legacy -A OUTPUT -d 10.0.0.0/8 -j ACCEPT",
      "iptables-legacy -A OUTPUT ! -d 127.0.0.11 -j REJECT",
      "iptables-legacy -A OUTPUT -d 127.0.0.11 -j ACCEPT",
    ],
    /iptables chain ip filter OUTPUT of 2 rules/,
  ],
  [
    "a default route by a tunnel",
    [
      "ip tuntap add tun0 mode tun",
      "ip link set tun0 up",
      "ip addr add 10.8.0.2/24 dev tun0",
      "ip route replace default dev tun0",
    ],
    /a default route by tun0, a route to 10\.8\.0\.0\/24 by tun0/,
  ],
  [
    "halves of one, in a table of its own",
    [
      "ip tuntap add tun0 mode tun",
      "ip link set tun0 up",
      "ip route add 128.0.0.0/1 dev tun0 table 51820",
      "ip rule add not fwmark 51820 table 51820",
    ],
    /a route to 128\.0\.0\.0\/1 by tun0, IPv4's policy rule 32765/,
  ],
  [
    "a route that refuses",
    ["ip route add unreachable 169.254.169.254"],
    /a route to 169\.254\.169\.254\/32 that refuses/,
  ],
  [
    "an IPsec tunnel",
    ["ip xfrm policy add src 10.9.0.2 dst 10.0.0.0/8 dir out tmpl proto esp mode tunnel"],
    /\(IPsec's policies\)/,
  ],
  [
    "a rule beside those of published ports",
    [...swarm("nft", "10.9.0.2", HTTP), "iptables-nft -A OUTPUT -d 10.0.0.0/8 -p tcp -j DROP"],
    /\(nf_tables chain ip filter OUTPUT of 1 rule\)/,
  ],
  [
    "one by older iptables",
    [
      ...swarm("legacy", "10.9.0.2", HTTP),
      "iptables-legacy -A INPUT -d 10.9.0.2 -p tcp --dport 80:90 -j DROP",
    ],
    /\(iptables chain ip filter INPUT of 1 rule\)/,
  ],
  [
    "one that is like them, and leads another port",
    [...swarm("nft", "10.9.0.2", HTTP), "iptables-nft -A INPUT -d 10.9.0.2 -p tcp --dport 81 -j ACCEPT"],
    /\(nf_tables chain ip filter INPUT of 1 rule\)/,
  ],
  [
    "what is published of an address that no card has",
    swarm("nft", "10.9.0.3", HTTP),
    /chain ip nat PREROUTING of 1 rule, /,
  ],
  [
    "a port of SCTP's that is published",
    swarm("nft", "10.9.0.2", HTTP, SCTP),
    /nat PREROUTING of 1 rule, nf_tables chain ip filter INPUT of 1 rule, /,
  ],
  [
    "a policy beside published ports",
    [...swarm("nft", "10.9.0.2", HTTP), "iptables-nft -P INPUT DROP"],
    /\(nf_tables chain ip filter INPUT that drops/,
  ],
  ["a policy rule of IPv6", ["ip -6 rule add priority 99 prohibit"], /IPv6's policy rule 99/],
] as const) {
  test.serial(`${what} is refused by its name (${commands[0]})`, (t) => {
    const said = wire(t, commands);
    if (said === null) return t.pass();
    t.regex(said, named);
    t.regex(said, /org\.unikrun\.networkRules=ignore /);
    return t.is(wire(t, commands, "ignore"), "1 card");
  });
}

const DNS: readonly Rules[] = ["nft", "legacy"].map((kind) =>
  [
    "-N DOCKER_OUTPUT",
    "-N DOCKER_POSTROUTING",
    "-A OUTPUT -d 127.0.0.11 -j DOCKER_OUTPUT",
    "-A POSTROUTING -d 127.0.0.11 -j DOCKER_POSTROUTING",
    "-A DOCKER_OUTPUT -d 127.0.0.11 -p udp --dport 53 -j DNAT --to-destination 127.0.0.11:33930",
    "-A DOCKER_POSTROUTING -s 127.0.0.11 -p udp --sport 33930 -j SNAT --to-source :53",
  ].map((rule) => `iptables-${kind} -t nat ${rule}`),
);

for (const [what, commands] of [
  ["an untouched namespace", []],
  ...DNS.map((rules) => ["the engine's name server", rules] as const),
  ...(["nft", "legacy"] as const).map(
    (kind) => ["a service's published ports", swarm(kind, "10.9.0.2", HTTP, DNS_PORT)] as const,
  ),
  ["what is for loopback addresses alone", ["iptables-nft -A OUTPUT -s 127.0.0.0/8 -j DROP"]],
  [
    "tables that were looked at",
    ["iptables-nft -S", "iptables-nft -t nat -S", "iptables-legacy -S", "ip6tables-legacy -S"],
  ],
  ["a chain that nothing leads to", ["iptables-nft -N OWN", "iptables-nft -A OWN -j DROP"]],
  ["a tunnel without routes", ["ip tuntap add tun0 mode tun", "ip link set tun0 up"]],
  ["a rule that leads to the main table", ["ip rule add priority 99 table main"]],
] as const) {
  test.serial(`${what} keeps no guest from starting (${commands[0] ?? "nothing"})`, (t) => {
    const said = wire(t, commands);
    return said === null ? t.pass() : t.is(said, "1 card");
  });
}
