/** A pod: its sandbox, its containers, and their removal. */
import { mkdirSync, readFileSync } from "node:fs";
import type { ExecutionContext } from "ava";
import { isOpen } from "../../proc.ts";
import { eventually, uniqueName } from "../harness.ts";
import type { ContainerConfig, PodConfig } from "./client.ts";
import type { Node } from "./node.ts";

/** What pods need of a node. */
export type PodHost = Pick<Node, "folder" | "client">;

export interface Pod {
  readonly id: string;
  readonly address: string;
  readonly config: PodConfig;
  create(name: string, config?: Partial<ContainerConfig>): Promise<string>;
  /** create and start. */
  run(name: string, config?: Partial<ContainerConfig>): Promise<string>;
  log(container: string): string;
  remove(): Promise<void>;
}

export const PROBE = "docker.io/library/probe:latest";
export const BUSYBOX = "docker.io/library/busybox:latest";

/** A pod of the handler "unikrun", or of the node's own runtime ("" is its name), which the test's end removes. */
export async function runPod(
  t: ExecutionContext,
  node: PodHost,
  change: Partial<PodConfig> = {},
  handler = "unikrun",
): Promise<Pod> {
  const { client } = node;
  const name = uniqueName("pod");
  const config: PodConfig = {
    metadata: { name, uid: name, namespace: "default" },
    hostname: name,
    log_directory: `${node.folder}/logs/${name}`,
    linux: { cgroup_parent: `/kubepods/${name}`, security_context: { namespace_options: {} } },
    ...change,
  };
  mkdirSync(config.log_directory, { recursive: true });
  const { pod_sandbox_id: id } = await client.call("RunPodSandbox", { config, runtime_handler: handler });
  let removed = false;
  const remove = async (): Promise<void> => {
    removed = true;
    // The kubelet asks again where containerd loses a shim that is just ending ("ttrpc: closed").
    await eventually(`the end of pod ${name}`, async () => {
      await client.call("StopPodSandbox", { pod_sandbox_id: id });
      await client.call("RemovePodSandbox", { pod_sandbox_id: id });
      return true;
    });
  };
  t.teardown(() => (removed ? undefined : remove()));
  const { status } = await client.call("PodSandboxStatus", { pod_sandbox_id: id });
  const create: Pod["create"] = async (container, more = {}) => {
    const { container_id } = await client.call("CreateContainer", {
      pod_sandbox_id: id,
      sandbox_config: config,
      config: {
        metadata: { name: container },
        image: { image: PROBE },
        log_path: `${container}.log`,
        ...more,
      },
    });
    return container_id;
  };
  return {
    id,
    address: status.network.ip,
    config,
    create,
    async run(container, more) {
      const made = await create(container, more);
      await client.call("StartContainer", { container_id: made });
      return made;
    },
    log: (container) => readFileSync(`${config.log_directory}/${container}.log`, "utf8"),
    remove,
  };
}

/** What a container printed, of a log in CRI's format: "TIME stdout F LINE", P for a part of one. */
export function printed(log: string): string {
  return log
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [, tag, text] = /^\S+ (?:stdout|stderr) ([FP]) ([\s\S]*)$/.exec(line) ?? [];
      return `${text}${tag === "F" ? "\n" : ""}`;
    })
    .join("");
}

/** The exit code of a container, once it has ended and its log is whole. */
export function waitForExit(node: PodHost, container: string): Promise<number> {
  return eventually(`the end of ${container}`, async () => {
    const { status } = await node.client.call("ContainerStatus", { container_id: container });
    // containerd may tell of the end before it has written the last of the log, which it closes then.
    return status.state === "CONTAINER_EXITED" && !isOpen(status.log_path) ? status.exit_code : undefined;
  });
}
