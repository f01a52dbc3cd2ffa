/**
 * What the runtime tells its init: a list of "key" "value" pairs, each word ended by NUL.
 * A key may stand several times; order is kept where it matters (arguments, rules, mounts).
 * init/directives.c reads it. Nothing is escaped, so nothing can be unescaped wrongly: the only
 * byte that a value cannot have is NUL, which no path or argument has either.
 *
 * For `init create` (descriptor 3): `cgroup` FILE of cgroup.procs; `join` CLONE-FLAG NAMESPACE-FILE; `unshare` CLONE-FLAGS;
 * `state` FOLDER; `console-socket` PATH; `terminal-size` ROWSxCOLUMNS; `hostname`; `domainname`; `sysctl` PATH=VALUE;
 * `oom-score-adj` N; `apparmor`, `selinux` LABEL, to see whether there is such a one; `wait`, to stay until the container ends.
 *
 * For `init exec` (descriptor 3; 5 is what the tool needs): `cgroup`, `join`, `console-socket`, `terminal-size`, `wait`, `uid`,
 * `apparmor`, `selinux` as elsewhere; `mounts` NAMESPACE-FILE; `tool` NAME; `timeout` MILLISECONDS; what the tool is told (exec*.c).
 *
 * For `init trial` (descriptor 3): what a plan has that says how the VMM runs; `cpu-limit`, `wall-limit` MILLISECONDS.
 *
 * For the plan (start.sock, see channel.ts): `cage` FOLDER; `rootfs` FOLDER; `unshare-mounts`; `bind`, `device` (in `dev`),
 * `image-file`, `symlink` TARGET SOURCE, targets being relative to the cage; `argument` TEXT of the VMM's command line; `uid` NUMBER;
 * `first-disk`, `disks` NUMBER: which of the plan's descriptors are disks, of which init keeps copies from 100 on; `phase` NAME, `phase-code` N, `phase-halting`: how far a guest was that goes on; `link` INDEX NAME of an interface that a card stands for; `apparmor`, `selinux` LABEL; `say` LINE for the container's log; `resolver` ADDRESS SERVER MTU,
 * whose tap is the last descriptor that comes with the plan; an exit rule is `rule-phase`, `rule-next`, `rule-code`,
 * `rule-halts`, each where it has one, closed by `rule-line` TEMPLATE.
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
