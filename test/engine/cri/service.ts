/** A Service in the node's own rules, as kube-proxy's iptables mode writes them (kubernetes/pkg/proxy/iptables/proxier.go). */
import { command, succeed } from "../harness.ts";

export interface Service extends Disposable {
  readonly clusterIP: string;
  /** Puts these pods behind it, in place of those before. */
  set(addresses: readonly string[]): void;
}

const CHAINS = ["KUBE-SERVICES", "KUBE-SVC-PROBE", "KUBE-MARK-MASQ", "KUBE-POSTROUTING"];
const HOOKS = [
  ["PREROUTING", "KUBE-SERVICES"],
  ["OUTPUT", "KUBE-SERVICES"],
  ["POSTROUTING", "KUBE-POSTROUTING"],
] as const;

export function makeService(clusterIP: string, podRange: string): Service {
  // What every node of a cluster has: the second brings an address that is nobody's as far as to the rules.
  command(["sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=1"]);
  succeed(["ip", "route", "replace", "default", "dev", "cni-test"]);
  const set = (addresses: readonly string[]) => succeed(restore, rules(clusterIP, podRange, addresses));
  set([]);
  for (const [chain, target] of HOOKS) succeed(["iptables", "-w", "-t", "nat", "-I", chain, "-j", target]);
  return {
    clusterIP,
    set,
    [Symbol.dispose]: () => {
      for (const [chain, target] of HOOKS)
        succeed(["iptables", "-w", "-t", "nat", "-D", chain, "-j", target]);
      succeed(["ip", "route", "del", "default", "dev", "cni-test"]);
    },
  };
}

const restore = ["iptables-restore", "-w", "--noflush"];

/** Chains that are named are emptied first. */
function rules(clusterIP: string, podRange: string, addresses: readonly string[]): string {
  const service = `-d ${clusterIP}/32 -p tcp -m tcp --dport 80`;
  const ends = addresses.map((address, i) => ({ address, chain: `KUBE-SEP-${i}` }));
  const lines = [
    "*nat",
    ...[...CHAINS, ...ends.map(({ chain }) => chain)].map((chain) => `:${chain} - [0:0]`),
    "-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000",
    "-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN",
    "-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000",
    "-A KUBE-POSTROUTING -j MASQUERADE --random-fully",
    `-A KUBE-SERVICES ${service} -j KUBE-SVC-PROBE`,
    `-A KUBE-SVC-PROBE ! -s ${podRange} ${service} -j KUBE-MARK-MASQ`,
    ...ends.flatMap(({ address, chain }, i) => {
      const left = ends.length - i;
      const chance = left > 1 ? `-m statistic --mode random --probability ${(1 / left).toFixed(11)} ` : "";
      return [
        `-A KUBE-SVC-PROBE ${chance}-j ${chain}`,
        `-A ${chain} -s ${address}/32 -j KUBE-MARK-MASQ`,
        `-A ${chain} -p tcp -m tcp -j DNAT --to-destination ${address}:80`,
      ];
    }),
    "COMMIT\n",
  ];
  return lines.join("\n");
}
