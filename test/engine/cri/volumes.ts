/** The folders that a kubelet makes for a pod's volumes on its node. */
import { chmodSync, mkdirSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { command, succeed } from "../harness.ts";
import type { Data, ProjectedSource, VolumeSpec } from "./manifest.ts";

export interface Volume {
  readonly path: string;
  /** Whatever the pod says: kubelets mount what they wrote themselves for reading only. */
  readonly readOnly: boolean;
}

/** `token` is the service account's. */
export function makeVolume(folder: string, spec: VolumeSpec, data: Data, token: string): Volume {
  if (spec.hostPath) return { path: spec.hostPath.path, readOnly: false };
  const path = `${folder}/volumes/${spec.name}`;
  mkdirSync(path, { recursive: true });
  if (spec.configMap) writeData(path, data[spec.configMap.name] ?? {});
  else if (spec.projected)
    writeData(
      path,
      Object.assign({}, ...spec.projected.sources.map((source) => project(source, data, token))),
    );
  else if (spec.secret) {
    mountMemory(path);
    writeData(path, data[spec.secret.secretName] ?? {});
  } else {
    if (spec.emptyDir?.medium === "Memory") mountMemory(path);
    chmodSync(path, 0o777);
  }
  return { path, readOnly: !!spec.configMap || !!spec.secret || !!spec.projected };
}

/** Files by their names. */
function project({ serviceAccountToken, configMap }: ProjectedSource, data: Data, token: string): object {
  if (serviceAccountToken) return { [serviceAccountToken.path]: token };
  const { name = "", items = [] } = configMap ?? {};
  return Object.fromEntries(items.map(({ key, path }) => [path, data[name]?.[key] ?? ""]));
}

/** What every container gets unless its pod does without. */
export function makeServiceAccount(folder: string): Volume {
  const path = `${folder}/volumes/kube-api-access`;
  mkdirSync(path, { recursive: true });
  mountMemory(path);
  writeData(path, { token: "eyJhbGciOiJSUzI1NiJ9.x.y", namespace: "default", "ca.crt": "a certificate\n" });
  return { path, readOnly: true };
}

function mountMemory(path: string): void {
  succeed(["mount", "-t", "tmpfs", "tmpfs", path]);
}

let updates = 0;

/** Writes or changes a ConfigMap's files in one step: kubelet's AtomicWriter, with its links. */
export function writeData(path: string, data: Readonly<Record<string, string>>): void {
  const version = `..2026_01_01_00_00_${String(updates++).padStart(2, "0")}.${process.pid}`;
  mkdirSync(`${path}/${version}`);
  for (const [name, text] of Object.entries(data)) writeFileSync(`${path}/${version}/${name}`, text);
  let before: string | undefined;
  try {
    before = readlinkSync(`${path}/..data`);
  } catch {
    for (const name of Object.keys(data)) symlinkSync(`..data/${name}`, `${path}/${name}`);
  }
  symlinkSync(version, `${path}/..data_tmp`);
  renameSync(`${path}/..data_tmp`, `${path}/..data`);
  if (before !== undefined) rmSync(`${path}/${before}`, { recursive: true });
}

export function removeVolumes(folder: string): void {
  command(["sh", "-c", 'umount "$0"/volumes/* 2>/dev/null', folder]);
  rmSync(folder, { recursive: true, force: true });
}
