import type { EngineName } from "../host/engines.ts";
import { planUninstall } from "../host/register.ts";
import { register, wantedBy } from "./registration.ts";
import type { Verb } from "./verb.ts";

export const run: Verb = (call) => {
  const wanted = wantedBy(call.flags);
  const { root } = wanted;
  register(call, {
    root,
    plan: (engine) => planUninstall(root, engine, wanted),
    next: (engine) => NEXT[engine],
  });
};

const NEXT: Readonly<Record<EngineName, string>> = {
  docker: "docker rm the containers that use it; dockerd names it until its next start, a reload leaves that",
  containerd: "delete the pods that use it, then systemctl restart containerd",
  k3s: "delete the pods that use it, then systemctl restart k3s, or k3s-agent",
  crio: "delete the pods that use it, then systemctl restart crio",
  podman: "podman rm the containers that use it",
};
