/** `kubectl kustomize FOLDER`, as far as examples/kubernetes needs it. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";

export interface KubeObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

interface Kustomization {
  readonly resources: readonly string[];
  readonly images?: readonly { readonly name: string; readonly newTag: string }[];
  readonly patches?: readonly { readonly target: { kind: string; name: string }; readonly patch: string }[];
}

export function kustomize(folder: string): KubeObject[] {
  const {
    resources,
    images = [],
    patches = [],
  } = Bun.YAML.parse(readFileSync(`${folder}/kustomization.yaml`, "utf8")) as Kustomization;
  const objects = resources.flatMap((path) =>
    path.endsWith(".yaml")
      ? [Bun.YAML.parse(readFileSync(resolve(folder, path), "utf8")) as KubeObject | KubeObject[]].flat()
      : kustomize(resolve(folder, path)),
  );
  for (const { target, patch } of patches)
    for (const object of objects.filter(
      (each) => each.kind === target.kind && each.metadata.name === target.name,
    ))
      for (const { op, path, value } of Bun.YAML.parse(patch) as {
        op: string;
        path: string;
        value: unknown;
      }[])
        replace(object, op, path.slice(1).split("/"), value);
  return JSON.parse(JSON.stringify(objects), (key, value) => {
    const image = key === "image" ? images.find(({ name }) => name === value) : undefined;
    return image ? `${image.name}:${image.newTag}` : value;
  }) as KubeObject[];
}

/** One operation of a JSON patch (RFC 6902). */
function replace(object: unknown, op: string, keys: readonly string[], value: unknown): void {
  const [last = ""] = keys.slice(-1);
  const holder = keys.slice(0, -1).reduce((inner, key) => (inner as Record<string, unknown>)?.[key], object);
  if (op !== "replace" || typeof holder !== "object" || holder === null || !Object.hasOwn(holder, last))
    throw new Error(`there is nothing to ${op} at /${keys.join("/")}`);
  (holder as Record<string, unknown>)[last] = value;
}
