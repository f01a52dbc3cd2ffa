/**
 * The kubelet's part: a pod as its YAML has it becomes CRI's calls, with all that a kubelet adds to every container
 * (kubernetes/pkg/kubelet/kuberuntime/kuberuntime_container.go and kubelet_pods.go).
 */
import { chmodSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import type { ExecutionContext } from "ava";
import { uniqueName } from "../harness.ts";
import type { ContainerConfig, Mount, PodConfig, Resources } from "./client.ts";
import { bytesOf, type ContainerSpec, type Data, milliCores, type PodTemplate } from "./manifest.ts";
import { type PodHost, runPod } from "./pod.ts";
import { makeServiceAccount, makeVolume, removeVolumes, type Volume } from "./volumes.ts";

export interface KubePod {
  readonly id: string;
  readonly name: string;
  readonly ip: string;
  readonly config: PodConfig;
  /** The kubelet's, for volumes and logs. */
  readonly folder: string;
  /** The folder of a volume on the node. */
  volume(name: string): string;
  /** Creates the container and starts it; one that was there before stays. Returns its id. */
  start(name: string): Promise<string>;
  /** Stops a container, and removes it. */
  end(id: string): Promise<void>;
  /** Of a container's last attempt, in CRI's format. */
  log(name: string): string;
  remove(): Promise<void>;
}

export interface Surroundings {
  /** What ConfigMaps and Secrets hold, by their names. */
  readonly data?: Data;
  /** A RuntimeClass's. */
  readonly handler?: string;
  readonly overhead?: Resources;
  readonly nodeName?: string;
  /** Where the API is, and the token by which it knows the pod's service account. */
  readonly api?: { readonly host: string; readonly port: number; readonly token: string };
}

const NO_API = { host: "10.96.0.1", port: 443, token: "" };

/** Makes a pod's sandbox and volumes; the test's end removes it. */
export async function startPod(
  t: ExecutionContext,
  node: PodHost,
  template: PodTemplate,
  { data = {}, handler, overhead, nodeName = "node", api = NO_API }: Surroundings = {},
): Promise<KubePod> {
  const { client } = node;
  const name = uniqueName("pod");
  const folder = `${node.folder}/pods/${name}`;
  t.teardown(() => removeVolumes(folder));
  mkdirSync(`${folder}/logs`, { recursive: true });
  const volumes = new Map<string, Volume>(
    (template.spec.volumes ?? []).map((spec) => [spec.name, makeVolume(folder, spec, data, api.token)]),
  );
  const withoutToken = template.spec.automountServiceAccountToken === false;
  const account = withoutToken ? null : makeServiceAccount(folder);
  const { linux, ...config } = sandboxConfig(name, folder, template);
  const pod = await runPod(
    t,
    node,
    { ...config, linux: { ...linux, ...(overhead && { overhead }) } },
    handler,
  );
  const { id, address: ip } = pod;
  writeFileSync(`${folder}/hosts`, `127.0.0.1\tlocalhost\n${ip}\t${name}\n`);
  const attempts = new Map<string, number>();
  return {
    id,
    name,
    ip,
    config: pod.config,
    folder,
    volume: (which) => volumes.get(which)?.path ?? "",
    start: (container) => {
      const { containers, initContainers = [] } = template.spec;
      const spec = [...initContainers, ...containers].find((each) => each.name === container);
      if (!spec) throw new Error(`the pod has no container ${container}`);
      const attempt = attempts.get(container) ?? 0;
      attempts.set(container, attempt + 1);
      return pod.run(
        container,
        containerConfig({ folder, template, spec, attempt, volumes, account, nodeName, api }),
      );
    },
    end: async (container_id) => {
      await client.call("StopContainer", { container_id, timeout: 10 });
      await client.call("RemoveContainer", { container_id });
    },
    log: (container) =>
      readFileSync(`${folder}/logs/${container}/${(attempts.get(container) ?? 1) - 1}.log`, "utf8"),
    remove: async () => {
      await pod.remove();
      removeVolumes(folder);
      for (const group of cgroupFolders(linux.cgroup_parent)) rmdirSync(group);
    },
  };
}

function sandboxConfig(name: string, folder: string, { metadata, spec }: PodTemplate) {
  const uid = crypto.randomUUID();
  const { runAsUser, supplementalGroups = [] } = spec.securityContext ?? {};
  const all = [...(spec.initContainers ?? []), ...spec.containers];
  return {
    metadata: { name, uid, namespace: "default" },
    hostname: name,
    log_directory: `${folder}/logs`,
    dns_config: {
      servers: ["10.96.0.10"],
      searches: ["default.svc.cluster.local", "svc.cluster.local", "cluster.local"],
      options: ["ndots:5"],
    },
    labels: { ...metadata?.labels, "io.kubernetes.pod.name": name, "io.kubernetes.pod.uid": uid },
    annotations: { "kubernetes.io/config.source": "api", ...metadata?.annotations },
    linux: {
      cgroup_parent: `/kubepods/burstable/pod${uid}`,
      security_context: {
        namespace_options: namespaces(spec),
        privileged: all.some(({ securityContext }) => securityContext?.privileged),
        seccomp: RUNTIME_DEFAULT,
        supplemental_groups: supplementalGroups,
        ...(runAsUser === undefined ? {} : { run_as_user: { value: runAsUser } }),
      },
    },
  };
}

const namespaces = ({ shareProcessNamespace = false, hostPID = false }: PodTemplate["spec"]) => ({
  network: "POD",
  pid: hostPID ? "NODE" : shareProcessNamespace ? "POD" : "CONTAINER",
  ipc: "POD",
});

const RUNTIME_DEFAULT = { profile_type: 0 };

interface Making {
  readonly folder: string;
  readonly template: PodTemplate;
  readonly spec: ContainerSpec;
  readonly attempt: number;
  readonly volumes: ReadonlyMap<string, Volume>;
  readonly account: Volume | null;
  readonly nodeName: string;
  readonly api: { readonly host: string; readonly port: number };
}

function containerConfig(making: Making): ContainerConfig {
  const { folder, spec, attempt, template, nodeName, api } = making;
  const { name, image, command = [], args = [], env = [] } = spec;
  mkdirSync(`${folder}/logs/${name}`, { recursive: true });
  const service = [
    { key: "KUBERNETES_SERVICE_HOST", value: api.host },
    { key: "KUBERNETES_SERVICE_PORT", value: String(api.port) },
  ];
  return {
    metadata: { name, attempt },
    image: { image },
    command,
    args,
    envs: [...service, ...env.map(({ name: key, value = nodeName }) => ({ key, value }))],
    mounts: mountsOf(making),
    labels: { "io.kubernetes.container.name": name },
    annotations: {
      "io.kubernetes.container.restartCount": String(attempt),
      "io.kubernetes.container.terminationMessagePath": spec.terminationMessagePath ?? "/dev/termination-log",
      "io.kubernetes.container.terminationMessagePolicy": "File",
    },
    log_path: `${name}/${attempt}.log`,
    linux: { resources: resourcesOf(spec), security_context: securityOf(template, spec) },
  };
}

function mountsOf({ folder, spec, attempt, volumes, account }: Making): Mount[] {
  const message = `${folder}/termination-log-${spec.name}-${attempt}`;
  writeFileSync(message, "");
  chmodSync(message, 0o666);
  const own = (spec.volumeMounts ?? []).map(({ name, mountPath, subPath, readOnly = false, ...more }) => {
    const volume = volumes.get(name);
    if (!volume) throw new Error(`the pod has no volume ${name}`);
    return {
      container_path: mountPath,
      host_path: subPath === undefined ? volume.path : `${volume.path}/${subPath}`,
      readonly: readOnly || volume.readOnly,
      ...(more.mountPropagation ? { propagation: "PROPAGATION_HOST_TO_CONTAINER" as const } : {}),
    };
  });
  const mount = (container_path: string, host_path: string, readonly: boolean) => ({
    container_path,
    host_path,
    readonly,
  });
  return [
    ...own,
    ...(account ? [mount("/var/run/secrets/kubernetes.io/serviceaccount", account.path, true)] : []),
    mount("/etc/hosts", `${folder}/hosts`, false),
    mount(spec.terminationMessagePath ?? "/dev/termination-log", message, false),
  ];
}

function resourcesOf({ resources }: ContainerSpec): Resources {
  const PERIOD = 100_000;
  const { limits = {} } = resources ?? {};
  const { requests = limits } = resources ?? {};
  return {
    cpu_shares: Math.max(2, Math.floor((milliCores(requests.cpu ?? 0) * 1024) / 1000)),
    cpu_period: PERIOD,
    oom_score_adj: 900,
    ...(limits.cpu === undefined ? {} : { cpu_quota: (milliCores(limits.cpu) * PERIOD) / 1000 }),
    ...(limits.memory === undefined ? {} : { memory_limit_in_bytes: bytesOf(limits.memory) }),
  };
}

function securityOf({ spec: pod }: PodTemplate, { securityContext = {} }: ContainerSpec): object {
  const {
    runAsUser = pod.securityContext?.runAsUser,
    capabilities = {},
    privileged = false,
  } = securityContext;
  return {
    privileged,
    namespace_options: namespaces(pod),
    capabilities: { add_capabilities: capabilities.add ?? [], drop_capabilities: capabilities.drop ?? [] },
    readonly_rootfs: securityContext.readOnlyRootFilesystem ?? false,
    no_new_privs: !(securityContext.allowPrivilegeEscalation ?? true),
    supplemental_groups: pod.securityContext?.supplementalGroups ?? [],
    seccomp: RUNTIME_DEFAULT,
    masked_paths: privileged
      ? []
      : ["/proc/asound", "/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/timer_list"],
    readonly_paths: privileged
      ? []
      : ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"],
    ...(runAsUser === undefined ? {} : { run_as_user: { value: runAsUser } }),
  };
}

/** A cgroup in each hierarchy where it is. */
function cgroupFolders(path: string): string[] {
  const found = Bun.spawnSync({
    cmd: ["find", "/sys/fs/cgroup", "-type", "d", "-path", `*${path}`],
    stdout: "pipe",
  });
  return found.stdout.toString().split("\n").filter(Boolean);
}
