/** A swarm of one node, whose services run by unikrun: it is Docker's default runtime, since a service can't name one. */
import { readFileSync, writeFileSync } from "node:fs";
import type { ExecutionContext } from "ava";
import { docker, eventually, succeed, uniqueName } from "./harness.ts";

/** The namespace that published ports of all services come through, with an address on the network "ingress". */
const ROUTING_MESH = "/run/docker/netns/ingress_sbox";

/** dockerd has much to do for a task. */
const PATIENCE = { timeout: 120_000 };

/** Returns how to end it. */
export async function beginSwarm(): Promise<() => Promise<void>> {
  const file = process.env.UNIKRUN_ENGINE_CONFIG ?? "";
  const before = readFileSync(file, "utf8");
  // dockerd keeps what it had where the file does not say.
  const useRuntime = async (name: string): Promise<void> => {
    writeFileSync(file, JSON.stringify({ ...JSON.parse(before), "default-runtime": name }));
    for (const pid of succeed(["pidof", "dockerd"]).split(" ")) process.kill(Number(pid), "SIGHUP");
    const isDefault = (): boolean => succeed(["docker", "info", "-f", "{{.DefaultRuntime}}"]) === name;
    await eventually(`${name} as the default`, () => isDefault() || undefined, PATIENCE);
  };
  await useRuntime("unikrun");
  succeed(["docker", "swarm", "init", "--advertise-addr", "127.0.0.1"]);
  await eventually("the routing mesh", () => succeed(["ls", ROUTING_MESH]) || undefined, PATIENCE);
  return async () => {
    docker("swarm", "leave", "--force");
    docker("network", "rm", "docker_gwbridge");
    await useRuntime("runc");
    writeFileSync(file, before);
  };
}

export interface Service {
  readonly image: string;
  readonly args: readonly string[];
  /** Of `docker service create`. */
  readonly options?: readonly string[];
}

/** Creates a service that the test's end removes, and returns its name once its tasks run. */
export async function startService(
  t: ExecutionContext,
  { image, args, options = [] }: Service,
): Promise<string> {
  const name = uniqueName("service");
  // By its id, which nobody looks for in a registry.
  const id = succeed(["docker", "image", "inspect", "-f", "{{.Id}}", image]);
  t.teardown(() => endService(name));
  succeed(["docker", "service", "create", "--quiet", "--detach", "--name", name, ...options, id, ...args]);
  await tasksOf(name);
  return name;
}

const LABEL = "com.docker.swarm.service.name";

/** Removes a service, and returns when no container of it is left. */
async function endService(name: string): Promise<void> {
  docker("service", "rm", name);
  const isOver = (): boolean => succeed(["docker", "ps", "-aq", "--filter", `label=${LABEL}=${name}`]) === "";
  await eventually("the end of its tasks", () => isOver() || undefined, PATIENCE);
}

/** The running containers of a service, once there are as many as it wants. */
export const tasksOf = (name: string): Promise<string[]> =>
  eventually(
    `the tasks of ${name}`,
    () => {
      const services = ["docker", "service", "ls", "--filter", `name=${name}`, "--format", "{{.Replicas}}"];
      const [running, wanted] = succeed(services).split("/");
      const ids = succeed(["docker", "ps", "-q", "--filter", `label=${LABEL}=${name}`]);
      const tasks = ids.split("\n").filter(Boolean);
      return running === wanted && tasks.length === Number(wanted) ? tasks : undefined;
    },
    PATIENCE,
  );

/** A page of a task's, by an address of it on "ingress" and a port, as the routing mesh asks for it. */
export function getByMesh(address: string): Promise<string> {
  return eventually(address, () => {
    const wget = ["timeout", "5", "busybox", "wget", "-q", "-O", "-", `http://${address}`];
    const { exitCode, stdout } = Bun.spawnSync(["nsenter", `--net=${ROUTING_MESH}`, ...wget]);
    return exitCode === 0 ? stdout.toString() : undefined;
  });
}
