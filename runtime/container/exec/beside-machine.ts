import type { Directive } from "../../../native/directives.ts";
import { joinDirective } from "../bundle/namespaces.ts";
import { openCgroup } from "../cgroup/cgroup.ts";
import { type Container, uidOf } from "../record/container.ts";

/** Where a tool of `init exec` runs: in the container's cgroup and namespaces, and in its machine's cage. */
export function besideMachine(container: Container): Directive[] {
  const { cgroup, guest, pid } = container;
  return [
    ...openCgroup(cgroup).procsFiles.map((file) => ["cgroup", file] as const),
    ...(["ipc", "uts", "pid"] as const).map((kind) => joinDirective(kind, `/proc/${pid}/ns/${kind}`)),
    ...(guest.users ? [["user-namespace", `/proc/${pid}/ns/user`] as const] : []),
    ["mounts", `/proc/${pid}/ns/mnt`],
    toolUid(container),
    ...labelDirectives(guest),
  ];
}

/** A tool hears a guest as its VMM does. */
const labelDirectives = ({ apparmor, selinux }: Container["guest"]): readonly Directive[] => [
  ...(apparmor ? [["apparmor", apparmor] as const] : []),
  ...(selinux ? [["selinux", selinux] as const] : []),
];

/** Another one than its machine's VMM has. */
export const toolUid = (container: Container): Directive => ["uid", String(uidOf("tool", container))];
