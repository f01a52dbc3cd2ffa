/** A user namespace as rootless engines have one, in which the runtime is called as its root: outside it is an ordinary user. */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import type { ExecutionContext } from "ava";
import { reap } from "../bench/reap.ts";
import { run } from "../network/netns.ts";
import { type Bench, unikrun as built, makeBench, placeInNetwork, until } from "./harness.ts";

/** Outside of it; where there are more ids than one, the namespace's from 1 on are those from 100000 on. */
export const USER = 1000;
const GROUP = 1007;
export const outside = (uid: number): number => (uid === 0 ? USER : uid + 99_999);

export interface UsersHost {
  /** A bench for root of the namespace. */
  makeBench(args: readonly string[]): Bench;
  /** Addresses on a network that the host is on, whose gateway it is, for the bench's container. */
  connect(bench: Bench): { readonly ipv4: string; readonly ipv6: string };
  /** Runs a program in the namespace as its root, in a container's network namespace. */
  inNetwork(...cmd: readonly string[]): { readonly code: number; readonly stdout: string };
  /** Where the user has what is not a container's own. */
  readonly runtimeFolder: string;
  readonly store: string;
}

let networks = 0;

/** Gone at the test's end. `ids`: of the user's, with his own; `kvm`: he may open it as a member of a group. */
export function makeUsersHost(t: ExecutionContext, ids: 1 | 65_537, kvm = false): UsersHost {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-user-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  chmodSync(folder, 0o755);
  copyFileSync(built, `${folder}/unikrun-itself`);
  const [runtimeFolder, home] = [`${folder}/xdg`, `${folder}/home`];
  for (const each of [runtimeFolder, home]) {
    mkdirSync(each, { mode: 0o700 });
    chownSync(each, USER, USER);
  }
  const device = [
    "mount -t tmpfs -o mode=755 test /dev/net",
    "mknod /dev/net/tun c 10 200",
    "chmod 666 /dev/net/tun",
    ...(kvm ? ["cp -a /dev/kvm /dev/net/kvm", `chgrp ${GROUP} /dev/net/kvm`, "chmod 660 /dev/net/kvm"] : []),
    ...(kvm ? ["mount --bind /dev/net/kvm /dev/kvm"] : []),
  ];
  const user = `setpriv --reuid=${USER} --regid=${USER} ${kvm ? `--groups=${GROUP}` : "--clear-groups"}`;
  // Its network namespace is that of containers; who calls the runtime is in the host's.
  const inside = `exec ${user} unshare --user --mount sh -c 'echo made; read mapped; exec unshare --net sleep 1000000'`;
  const holder = Bun.spawn(["unshare", "--mount", "sh", "-c", [...device, inside].join(" && ")], {
    stdin: "pipe",
    stdout: "pipe",
  });
  t.teardown(() => {
    holder.kill("SIGKILL");
    reap(holder.pid);
  });
  const proc = `/proc/${holder.pid}`;
  const namespace = (kind: string): string => run(`readlink ${proc}/ns/${kind}`);
  const own = run("readlink /proc/self/ns/user");
  until(() => namespace("user") !== own);
  const map = ids === 1 ? `0 ${USER} 1` : `0 ${USER} 1\n1 100000 ${ids - 1}`;
  if (ids === 1) writeFileSync(`${proc}/setgroups`, "deny");
  for (const kind of ["uid", "gid"]) writeFileSync(`${proc}/${kind}_map`, map);
  const network = namespace("net");
  holder.stdin.write("mapped\n");
  holder.stdin.flush();
  until(() => namespace("net") !== network);

  const enter = `${user} nsenter -t ${holder.pid} -U -m --preserve-credentials`;
  const variables = `PATH=${process.env.PATH} HOME=${home} XDG_RUNTIME_DIR=${runtimeFolder}`;
  const runtime = `${folder}/unikrun`;
  writeFileSync(runtime, `#!/bin/sh\nexec ${enter} env -i ${variables} ${folder}/unikrun-itself "$@"\n`);
  chmodSync(runtime, 0o755);
  return {
    runtimeFolder,
    store: `${home}/.local/share/unikrun`,
    makeBench(args) {
      const bench = makeBench(args, {}, runtime);
      t.teardown(() => bench[Symbol.dispose]());
      give(bench.folder);
      return bench;
    },
    connect(bench) {
      const number = networks++;
      const end = `uku${process.pid}${number}`;
      run(`ip link add ${end} type veth peer name eth0 netns ${holder.pid}`);
      t.teardown(() => Bun.spawnSync(["ip", "link", "del", end], { stderr: "ignore" }));
      run(`ip addr add 10.232.${number}.1/24 dev ${end}`);
      run(`ip addr add fe80::1/64 dev ${end} nodad`);
      run(`ip addr add fd32:${number}::1/64 dev ${end} nodad`);
      run(`ip link set ${end} up`);
      for (const command of [
        "link set lo up",
        "link set eth0 up",
        `addr add 10.232.${number}.2/24 dev eth0`,
        `route add default via 10.232.${number}.1`,
        `addr add fd32:${number}::2/64 dev eth0 nodad`,
        `-6 route add default via fe80::1 dev eth0`,
      ])
        run(`nsenter -t ${holder.pid} -n ip ${command}`);
      placeInNetwork(bench, `${proc}/ns/net`);
      return { ipv4: `10.232.${number}.2`, ipv6: `fd32:${number}::2` };
    },
    inNetwork(...cmd) {
      const { exitCode, stdout } = Bun.spawnSync(["nsenter", "-t", String(holder.pid), "-n", ...cmd]);
      return { code: exitCode, stdout: stdout.toString() };
    },
  };
}

/** A folder with all that is in it. */
function give(folder: string): void {
  for (const path of ["", ...(readdirSync(folder, { recursive: true }) as string[])])
    chownSync(`${folder}/${path}`, USER, USER);
}
