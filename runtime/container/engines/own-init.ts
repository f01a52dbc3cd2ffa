import { joinPaths } from "../../../native/paths.ts";

/** What engines mount for `--init` and call before the program: Docker, Podman, nerdctl. */
const ENGINES_INIT = /\/(docker-init|podman-init|tini)$/;

/** That of config.json which is changed for `--init`. */
interface Changed {
  readonly process?: { readonly args?: readonly string[] };
  readonly mounts?: readonly { readonly destination: string }[];
}

/**
 * The configuration as if its user had not asked for `--init`: a container's init reaps orphans and passes signals on, and a
 * machine has one of its own (native/init) that does both.
 */
export function withoutEngineInit<Config extends Changed>(config: Config): Config {
  const [program = "", separator] = config.process?.args ?? [];
  const isMount = (destination: string): boolean => joinPaths("/", destination) === program;
  if (!config.process || separator !== "--" || !ENGINES_INIT.test(program)) return config;
  if (!config.mounts?.some(({ destination }) => isMount(destination))) return config;
  return {
    ...config,
    process: { ...config.process, args: config.process.args?.slice(2) ?? [] },
    mounts: config.mounts.filter(({ destination }) => !isMount(destination)),
  };
}
