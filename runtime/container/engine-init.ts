import { joinPaths } from "../../native/paths.ts";
import type { Spec } from "./oci.ts";

/** What engines mount for `--init` and call before the program: Docker, Podman, nerdctl. */
const ENGINES_INIT = /\/(docker-init|podman-init|tini)$/;

/**
 * The configuration as if its user had not asked for `--init`: a container's init reaps orphans and passes signals on, and a
 * machine has one of its own (native/init) that does both.
 */
export function withoutEngineInit(spec: Spec): Spec {
  const [program = "", separator] = spec.process?.args ?? [];
  const isMount = (destination: string): boolean => joinPaths("/", destination) === program;
  if (!spec.process || separator !== "--" || !ENGINES_INIT.test(program)) return spec;
  if (!spec.mounts?.some(({ destination }) => isMount(destination))) return spec;
  return {
    ...spec,
    process: { ...spec.process, args: spec.process.args?.slice(2) ?? [] },
    mounts: spec.mounts.filter(({ destination }) => !isMount(destination)),
  };
}
