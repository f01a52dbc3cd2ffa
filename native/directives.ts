/**
 * What the runtime tells its init: a list of "key" "value" pairs, each word ended by NUL.
 * A key may stand several times; order is kept where it matters (arguments, rules, mounts).
 * init/directives.c reads it. Nothing is escaped, so nothing can be unescaped wrongly: the only
 * byte that a value cannot have is NUL, which no path or argument has either.
 *
 * For `init create` (descriptor 3): `cgroup` FILE of cgroup.procs; `oom-counts` FILE; `join` CLONE-FLAG NAMESPACE-FILE; `unshare` CLONE-FLAGS;
 * `state` FOLDER; `held` NUMBER of the descriptors from 6 on
 * that it keeps, from 200 on; `console-socket` PATH; `terminal-size` ROWSxCOLUMNS; `hostname`; `domainname`; `sysctl` PATH=VALUE;
 * `oom-score-adj` N; `apparmor`, `selinux` LABEL, to see whether there is such a one; `wait`, to stay until the container ends.
 *
 * For `init exec` (descriptor 3; 5 is what the tool needs): `cgroup`, `join`, `console-socket`, `terminal-size`, `wait`, `uid`,
 * `apparmor`, `selinux` as elsewhere; `mounts` NAMESPACE-FILE; `tool` NAME; `timeout` MILLISECONDS; what the tool is told (init/exec).
 *
 * For `init trial` (descriptor 3): a plan of the board; `cpu-limit`, `wall-limit` MILLISECONDS.
 *
 * For the plan of the board (start.sock, see channel.ts), for which the VMM starts: `cage` FOLDER; `rootfs` FOLDER; `detach-mounts`, where
 * the container's mounts are the host's; `bind`, `device` (in `dev`), `image-file`, `symlink` TARGET SOURCE, targets being relative to the
 * cage; `firmware` TARGET; `memory` TARGET BYTES; `entry` ADDRESS, `piece` OFFSET SIZE ADDRESS and then `kernel` PATH, in the rootfs or with
 * `kernel-on-host` the host's: what of that file belongs where in the guest's memory; `argument` TEXT of the VMM's command line; `uid`
 * NUMBER; `small-pages`; `apparmor`, `selinux` LABEL.
 *
 * For the plan of the start, with which come the descriptors of cards, disks, then the resolver's tap and that of `kept-memory`, the memory
 * that the guest goes on with: `command-line` TEXT; `ask`
 * COMMAND for the VMM's monitor, `lend` COMMAND that takes the next descriptor with it; `first-disk`, `disks` NUMBER: which of the
 * descriptors are disks, of which init keeps copies from 100 on; `phase` NAME, `phase-code` N, `phase-halting`: how far a guest was that
 * goes on; `link` INDEX NAME of an interface that a card stands for; `apparmor`, `selinux` LABEL; `say` LINE for the container's log, one or more;
 * `resolver` ADDRESS SERVER MTU; an exit rule is `rule-phase`, `rule-next`, `rule-code`, `rule-halts`, each where it has one, closed by
 * `rule-line` TEMPLATE.
 */
export type Directive = readonly [key: string, value: string];

/** In a container's state folder, between create and start only; init/channel.c makes it. */
export const START_SOCKET = "start.sock";

export function encodeDirectives(directives: readonly Directive[]): Buffer {
  for (const [key, value] of directives) {
    if (value.includes("\0"))
      throw new Error(`the ${key} ${JSON.stringify(value)} has a NUL character in it`);
  }
  return Buffer.from(directives.map(([key, value]) => `${key}\0${value}\0`).join(""));
}
