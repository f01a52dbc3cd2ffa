/** A network namespace as an engine fills it. */

/** A namespace with an interface of every kind that matters, and its addresses. */
export function makeNetns(): { path: string } & Disposable {
  const name = `uktest-${process.pid}-${Math.random().toString(36).slice(2, 8)}`;
  run(`ip netns add ${name}`);
  run(`ip -n ${name} link add eth0 address 02:42:0a:09:00:02 mtu 1400 type veth peer name peer0`);
  run(`ip -n ${name} addr add 10.9.0.2/24 dev eth0`);
  run(`ip -n ${name} addr add fd09::2/64 dev eth0 nodad`);
  run(`ip -n ${name} link set eth0 up`);
  run(`ip -n ${name} route add default via 10.9.0.1`);
  run(`ip -n ${name} link set lo up`);
  return { path: `/run/netns/${name}`, [Symbol.dispose]: () => run(`ip netns del ${name}`) };
}

export function run(command: string): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync(command.split(" "));
  if (exitCode !== 0) throw new Error(`${command}: ${stderr}`);
  return stdout.toString();
}
