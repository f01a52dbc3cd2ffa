import type { ExecutionContext } from "ava";
import { run } from "../network/netns.ts";

/** A namespace with so many interfaces, each on a network of its own with this host. */
export function makeNetworks(t: ExecutionContext, count: number): string {
  const name = `ukfw-${process.pid}-${count}`;
  run(`ip netns add ${name}`);
  t.teardown(() => run(`ip netns del ${name}`));
  for (let card = 0; card < count; card++) {
    const end = `ukfw${process.pid}${card}`;
    run(`ip link add ${end} type veth peer name eth${card} netns ${name}`);
    // The end of a namespace takes its time.
    t.teardown(() => run(`ip link del ${end}`));
    run(`ip addr add 10.213.${card}.1/24 dev ${end}`);
    run(`ip link set ${end} up`);
    run(`ip -n ${name} link set eth${card} address ${mac(card)} up`);
    run(`ip -n ${name} addr add ${address(card)}/24 dev eth${card}`);
  }
  return `/run/netns/${name}`;
}

export const mac = (card: number): string => `02:42:0a:d5:0${card}:02`;
export const address = (card: number): string => `10.213.${card}.2`;
