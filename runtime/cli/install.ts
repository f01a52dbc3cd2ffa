import type { EngineName } from "../host/engines.ts";
import { planInstall } from "../host/register.ts";
import { checkProgram } from "../host/wanted.ts";
import { register, wantedBy } from "./registration.ts";
import type { Verb } from "./verb.ts";

export const run: Verb = (call) => {
  const wanted = wantedBy(call.flags);
  const { root, name, binary } = wanted;
  if (!call.flags.boolean("dry-run")) checkProgram(root, binary);
  register(call, {
    root,
    plan: (engine) => planInstall(root, engine, wanted),
    next: (engine) => NEXT[engine](name),
  });
};

/** dockerd reads its runtimes again on SIGHUP, which is what reload sends. */
const NEXT: Readonly<Record<EngineName, (name: string) => string>> = {
  docker: (name) =>
    `systemctl reload docker (containers go on running), then docker run --runtime=${name} IMAGE`,
  containerd: (name) =>
    `systemctl restart containerd (containers go on running); in Kubernetes, a RuntimeClass with handler: ${name}`,
  k3s: (name) =>
    `systemctl restart k3s, or k3s-agent (pods go on running); a RuntimeClass with handler: ${name}`,
  crio: (name) => `systemctl restart crio (pods go on running); a RuntimeClass with handler: ${name}`,
  podman: (name) => `nothing to reload: podman run --runtime=${name} IMAGE`,
};
