/** The programs that write rules by nf_tables and by the older half of netfilter, as far as this host's kernel has these. */
export const BOTH_IPTABLES = ["iptables-nft", "iptables-legacy"].filter(
  (name) => Bun.spawnSync(["unshare", "--net", name, "-t", "nat", "-S"]).exitCode === 0,
);

export interface Published {
  readonly protocol: "tcp" | "udp" | "sctp";
  readonly published: number;
  readonly own: number;
}

/** What dockerd runs in the network namespace of a task, whose address on the network "ingress" this is, with a program of iptables'. */
export function swarmRules(iptables: string, address: string, ports: readonly Published[]): string[] {
  const [to, from] = [`-d ${address} -p`, `-s ${address} -p`];
  const rules = [
    ...ports.flatMap(({ protocol, published, own }) => [
      `-t nat -A PREROUTING ${to} ${protocol} --dport ${published} -j REDIRECT --to-port ${own}`,
      `-I INPUT ${to} ${protocol} --dport ${own} -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT`,
      `-I OUTPUT ${from} ${protocol} --sport ${own} -m conntrack --ctstate ESTABLISHED -j ACCEPT`,
    ]),
    ...["sctp", "udp", "tcp"].flatMap((each) => [
      `-A INPUT ${to} ${each} -j DROP`,
      `-A OUTPUT ${from} ${each} -j DROP`,
    ]),
  ];
  return rules.map((rule) => `${iptables} ${rule}`);
}
