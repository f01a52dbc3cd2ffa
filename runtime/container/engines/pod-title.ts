/** Annotations of containerd's CRI plugin and of CRI-O, which say whose a container is. */
const NAMES = [
  [
    "io.kubernetes.cri.container-name",
    "io.kubernetes.cri.sandbox-namespace",
    "io.kubernetes.cri.sandbox-name",
  ],
  ["io.kubernetes.container.name", "io.kubernetes.pod.namespace", "io.kubernetes.pod.name"],
] as const;

export interface PodNames {
  readonly container: string;
  readonly namespace: string;
  readonly pod: string;
}

/** Undefined for what is no container of a pod's. */
export function podNames(annotations: Readonly<Record<string, string>>): PodNames | undefined {
  for (const names of NAMES) {
    const [container = "", namespace = "", pod = ""] = names.map((name) => annotations[name]);
    if ([container, namespace, pod].every((name) => /^[\w.-]{1,253}$/.test(name)))
      return { container, namespace, pod };
  }
  return undefined;
}

/** What a container of a pod's is called by whoever asked for it; undefined for others. */
export function podTitle(annotations: Readonly<Record<string, string>>): string | undefined {
  const names = podNames(annotations);
  return names && `${names.container} of the pod ${names.namespace}/${names.pod}`;
}
