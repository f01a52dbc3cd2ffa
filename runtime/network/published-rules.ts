/**
 * Published ports of Docker Swarm's services. What comes by one arrives at a task's address on the network "ingress", still at the
 * published port, and rules in the task's network namespace turn it into the service's own port. dockerd writes them, alike
 * from 20.10 to 29 and for IPv4 alone, when it fills the namespace (moby, libnetwork/service_linux.go, addRedirectRules;
 * sandbox_linux.go, SetKey): a port that is published later is another task's.
 */
import type { BaseChain } from "../../native/netfilter.ts";
import { ruleText } from "../../native/rule-text.ts";
import type { Nic } from "./nics.ts";

export interface PublishedPort {
  /** Of IPv4, one of the card's. */
  readonly address: string;
  readonly protocol: "tcp" | "udp";
  /** Where its packets arrive, and where the guest listens. */
  readonly published: number;
  readonly own: number;
}

const REDIRECT = /^-d (\S+) -p (tcp|udp) --dport (\d+) -j REDIRECT --to-ports (\d+)$/;

/** By the redirects in the namespace's chains, for addresses of these cards. */
export function findPublished(chains: readonly BaseChain[], nics: readonly Nic[]): PublishedPort[] {
  const own = new Set(nics.flatMap(({ addresses }) => addresses.map(({ address }) => address)));
  return chains
    .filter(({ table, name }) => `${table} ${name}` === "ip nat PREROUTING")
    .flatMap(({ rules }) => rules.map((rule) => REDIRECT.exec(rule ?? "")))
    .flatMap((match) => {
      if (!match) return [];
      const [, address = "", protocol, published, to] = match;
      if (!own.has(address)) return [];
      return {
        address,
        protocol: protocol === "udp" ? "udp" : "tcp",
        published: Number(published),
        own: Number(to),
      };
    });
}

/** The chains without what dockerd writes for these ports. */
export function withoutPublished(
  chains: readonly BaseChain[],
  ports: readonly PublishedPort[],
): readonly BaseChain[] {
  if (ports.length === 0) return chains;
  const written = new Set(ports.flatMap(rulesOf));
  return chains.map((chain) => ({
    ...chain,
    rules: chain.rules.filter(
      (rule) => rule === null || !written.has(`${chain.table} ${chain.name} ${rule}`),
    ),
  }));
}

/** Beside the redirect: nothing else gets to the address on "ingress", and nothing but answers from it. */
function rulesOf({ address, protocol, published, own }: PublishedPort): string[] {
  const [to, from] = [{ destination: address }, { source: address }];
  const drops = ["tcp", "udp", "sctp"].flatMap((each) => [
    `ip filter INPUT ${ruleText({ ...to, protocol: each, target: "DROP" })}`,
    `ip filter OUTPUT ${ruleText({ ...from, protocol: each, target: "DROP" })}`,
  ]);
  const redirect = { ...to, protocol, destinationPort: published, target: `REDIRECT --to-ports ${own}` };
  const request = { ...to, protocol, destinationPort: own, states: "NEW,ESTABLISHED", target: "ACCEPT" };
  const answer = { ...from, protocol, sourcePort: own, states: "ESTABLISHED", target: "ACCEPT" };
  return [
    `ip nat PREROUTING ${ruleText(redirect)}`,
    `ip filter INPUT ${ruleText(request)}`,
    `ip filter OUTPUT ${ruleText(answer)}`,
    ...drops,
  ];
}
