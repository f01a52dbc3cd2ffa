/** A client of the Container Runtime Interface: the part that kubelet plays. */
import { credentials, loadPackageDefinition, type ServiceError } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";

/** Of runtime.proto, with the names that it has there. */
export interface PodConfig {
  readonly metadata: { readonly name: string; readonly uid: string; readonly namespace: string };
  readonly hostname?: string;
  readonly log_directory: string;
  readonly dns_config?: {
    readonly servers: readonly string[];
    readonly searches?: readonly string[];
    readonly options?: readonly string[];
  };
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly linux?: unknown;
}

interface IdMapping {
  readonly host_id: number;
  readonly container_id: number;
  readonly length: number;
}

export interface Mount {
  readonly container_path: string;
  readonly host_path: string;
  readonly readonly?: boolean;
  readonly propagation?: "PROPAGATION_PRIVATE" | "PROPAGATION_HOST_TO_CONTAINER";
  readonly recursive_read_only?: boolean;
  readonly uidMappings?: readonly IdMapping[];
  readonly gidMappings?: readonly IdMapping[];
}

export interface Resources {
  readonly memory_limit_in_bytes?: number;
  readonly cpu_quota?: number;
  readonly cpu_period?: number;
  readonly cpu_shares?: number;
  readonly oom_score_adj?: number;
}

export interface ContainerConfig {
  readonly metadata: { readonly name: string; readonly attempt?: number };
  readonly image: { readonly image: string };
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly envs?: readonly { readonly key: string; readonly value: string }[];
  readonly mounts?: readonly Mount[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly log_path: string;
  readonly stdin?: boolean;
  readonly tty?: boolean;
  readonly linux?: { readonly resources?: Resources; readonly security_context?: unknown };
}

export interface Usage {
  readonly cpu: { readonly usage_core_nano_seconds: { readonly value: number } };
  readonly memory: {
    readonly working_set_bytes: { readonly value: number };
    readonly usage_bytes: { readonly value: number } | null;
  };
}

export interface ContainerUsage extends Usage {
  readonly attributes: { readonly id: string };
}

interface Streamed {
  readonly stdin?: boolean;
  readonly stdout?: boolean;
  readonly stderr?: boolean;
  readonly tty?: boolean;
}

interface Calls {
  Version: [{ version?: string }, { runtime_name: string; runtime_version: string }];
  Status: [
    { verbose?: boolean },
    {
      /** If it is to be verbose: by what it is of, JSON of containerd's own. */
      info: Readonly<Record<string, string>>;
      status: { conditions: { type: string; status: boolean; message: string }[] };
      /** None of containerd 1. */
      runtime_handlers: {
        name: string;
        features: { recursive_read_only_mounts: boolean; user_namespaces: boolean } | null;
      }[];
    },
  ];
  RunPodSandbox: [{ config: PodConfig; runtime_handler: string }, { pod_sandbox_id: string }];
  StopPodSandbox: [{ pod_sandbox_id: string }, unknown];
  RemovePodSandbox: [{ pod_sandbox_id: string }, unknown];
  PodSandboxStatus: [{ pod_sandbox_id: string }, { status: { state: string; network: { ip: string } } }];
  CreateContainer: [
    { pod_sandbox_id: string; config: ContainerConfig; sandbox_config: PodConfig },
    { container_id: string },
  ];
  StartContainer: [{ container_id: string }, unknown];
  StopContainer: [{ container_id: string; timeout: number }, unknown];
  RemoveContainer: [{ container_id: string }, unknown];
  ContainerStatus: [
    { container_id: string },
    { status: { state: string; exit_code: number; reason: string; message: string; log_path: string } },
  ];
  UpdateContainerResources: [{ container_id: string; linux: Resources }, unknown];
  ReopenContainerLog: [{ container_id: string }, unknown];
  ExecSync: [
    { container_id: string; cmd: readonly string[]; timeout?: number },
    { stdout: Buffer; stderr: Buffer; exit_code: number },
  ];
  Exec: [Streamed & { container_id: string; cmd: readonly string[] }, { url: string }];
  Attach: [Streamed & { container_id: string }, { url: string }];
  PortForward: [{ pod_sandbox_id: string; port: readonly number[] }, { url: string }];
  CheckpointContainer: [{ container_id: string; location: string; timeout?: number }, unknown];
  ContainerStats: [{ container_id: string }, { stats: Usage }];
  ListContainerStats: [Record<string, never>, { stats: ContainerUsage[] }];
  PodSandboxStats: [
    { pod_sandbox_id: string },
    { stats: { linux: Usage & { containers: ContainerUsage[] } } },
  ];
  ListContainers: [Record<string, never>, { containers: { id: string; state: string }[] }];
}

export interface Client extends Disposable {
  call<Name extends keyof Calls>(name: Name, request: Calls[Name][0]): Promise<Calls[Name][1]>;
}

type Method = (request: unknown, done: (error: ServiceError | null, answer: unknown) => void) => void;

/** `socket` is a path. A call that fails throws an Error with the server's words. */
export function connect(socket: string): Client {
  const definition = loadSync(`${import.meta.dirname}/runtime.proto`, {
    keepCase: true,
    longs: Number,
    enums: String,
    defaults: true,
  });
  const loaded = loadPackageDefinition(definition) as unknown as {
    runtime: {
      v1: {
        RuntimeService: new (address: string, how: unknown) => Record<string, Method> & { close(): void };
      };
    };
  };
  const service = new loaded.runtime.v1.RuntimeService(`unix://${socket}`, credentials.createInsecure());
  return {
    call: (name, request) =>
      new Promise((resolve, reject) => {
        const method = service[name] as Method;
        method.call(service, request, (error, answer) =>
          error ? reject(new Error(error.details)) : resolve(answer as never),
        );
      }),
    [Symbol.dispose]: () => service.close(),
  };
}
