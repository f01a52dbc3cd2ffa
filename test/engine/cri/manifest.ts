/** The part of Kubernetes' objects that the tests' kubelet understands, as their YAML has it. */

export interface PodTemplate {
  readonly metadata?: {
    readonly annotations?: Readonly<Record<string, string>>;
    readonly labels?: Readonly<Record<string, string>>;
  };
  readonly spec: PodSpec;
}

export interface PodSpec {
  readonly runtimeClassName?: string;
  readonly automountServiceAccountToken?: boolean;
  readonly shareProcessNamespace?: boolean;
  readonly hostPID?: boolean;
  readonly securityContext?: { readonly runAsUser?: number; readonly supplementalGroups?: readonly number[] };
  readonly initContainers?: readonly ContainerSpec[];
  readonly containers: readonly ContainerSpec[];
  readonly volumes?: readonly VolumeSpec[];
}

export interface ContainerSpec {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly {
    readonly name: string;
    readonly value?: string;
    /** Of the pod's own fields the node's name alone. */
    readonly valueFrom?: { readonly fieldRef: { readonly fieldPath: "spec.nodeName" } };
  }[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly resources?: {
    readonly limits?: Quantities;
    readonly requests?: Quantities;
  };
  readonly volumeMounts?: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly subPath?: string;
    readonly readOnly?: boolean;
    readonly mountPropagation?: "HostToContainer";
  }[];
  readonly securityContext?: {
    readonly privileged?: boolean;
    readonly runAsUser?: number;
    readonly readOnlyRootFilesystem?: boolean;
    readonly allowPrivilegeEscalation?: boolean;
    readonly capabilities?: { readonly add?: readonly string[]; readonly drop?: readonly string[] };
  };
  readonly terminationMessagePath?: string;
  readonly livenessProbe?: Probe;
  readonly readinessProbe?: Probe;
  readonly startupProbe?: Probe;
}

/** Quantities: cpu as "500m" or 1, memory as "128Mi". */
export interface Quantities {
  readonly cpu?: string | number;
  readonly memory?: string | number;
}

export interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: number | string };
  readonly tcpSocket?: { readonly port: number | string };
  readonly exec?: { readonly command: readonly string[] };
}

export interface VolumeSpec {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly secret?: { readonly secretName: string };
  readonly emptyDir?: { readonly medium?: string } | null;
  readonly hostPath?: { readonly path: string };
  readonly projected?: { readonly sources: readonly ProjectedSource[] };
}

export interface ProjectedSource {
  readonly serviceAccountToken?: { readonly path: string };
  readonly configMap?: {
    readonly name: string;
    readonly items: readonly { readonly key: string; readonly path: string }[];
  };
}

/** Data of ConfigMaps and Secrets by the objects' names. */
export type Data = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Thousandths of a core. */
export const milliCores = (quantity: string | number): number =>
  String(quantity).endsWith("m") ? Number.parseInt(String(quantity), 10) : Number(quantity) * 1000;

export function bytesOf(quantity: string | number): number {
  const [, digits = "", unit = ""] = /^(\d+)(Ki|Mi|Gi)?$/.exec(String(quantity)) ?? [];
  if (digits === "") throw new Error(`${quantity} is no quantity of memory`);
  return Number(digits) * { "": 1, Ki: 2 ** 10, Mi: 2 ** 20, Gi: 2 ** 30 }[unit as "" | "Ki" | "Mi" | "Gi"];
}
