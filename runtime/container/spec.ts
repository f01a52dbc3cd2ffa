import { readText } from "../../native/files.ts";
import { errorCode } from "../../native/libc.ts";
import { reasonOf, UnikrunError } from "../error.ts";
import {
  absolutePath,
  all,
  type Check,
  filled,
  flag,
  list,
  map,
  object,
  oneOf,
  text,
  unique,
  whole,
} from "./check.ts";
import type { HookKind, NamespaceType, Spec } from "./oci.ts";
import { RESOURCES } from "./rlimits.ts";
import { checkResources } from "./spec-resources.ts";

/** Reads and checks config.json of a bundle. Throws UnikrunError that names the wrong field. */
export function readSpec(bundle: string): Spec {
  const name = `config.json of ${bundle}`;
  let source: string;
  try {
    source = readText(`${bundle}/config.json`);
  } catch (cause) {
    const why = ["ENOENT", "ENOTDIR"].includes(errorCode(cause))
      ? "is not there"
      : `can't be read (${reasonOf(cause)})`;
    throw new UnikrunError(`The ${name} ${why}: --bundle must name the folder of an OCI bundle.`, { cause });
  }
  return parseSpec(source, name);
}

/** `name` stands in front of a wrong field's place in errors. */
export function parseSpec(source: string, name: string): Spec {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (cause) {
    throw new UnikrunError(`The ${name} is not JSON (${reasonOf(cause)}).`, { cause });
  }
  checkSpec(value, `In ${name}: `);
  checkVersion((value as Spec).ociVersion, name);
  return value as Spec;
}

/** Versions 1.x, and the release candidates of 1.0 that engines of the time wrote. */
function checkVersion(version: string, name: string): void {
  if (/^1\.\d+\.\d+(-[\w.+-]+)?(\+[\w.-]+)?$/.test(version)) return;
  throw new UnikrunError(
    `In ${name}: ociVersion ${JSON.stringify(version)} is not supported: this runtime knows versions 1.x of the specification.`,
  );
}

const id = whole(0, 2 ** 32 - 1);

const NAMESPACES: readonly NamespaceType[] = [
  "pid",
  "network",
  "mount",
  "ipc",
  "uts",
  "user",
  "cgroup",
  "time",
];

const rlimit: Check = all(
  object({ type: oneOf(Object.keys(RESOURCES)), soft: whole(0), hard: whole(0) }),
  (value, place) => {
    const { soft, hard } = value as { soft: number; hard: number };
    if (soft > hard)
      throw new UnikrunError(`${place}: the soft limit ${soft} is above the hard limit ${hard}.`);
  },
);

const capabilities = list(text);

const process = object(
  { cwd: absolutePath },
  {
    terminal: flag,
    consoleSize: object({ height: whole(0, 65535), width: whole(0, 65535) }),
    user: object({}, { uid: id, gid: id, umask: whole(0, 0o7777), additionalGids: list(id), username: text }),
    args: list(text),
    env: list(text),
    rlimits: all(list(rlimit), unique("type")),
    apparmorProfile: text,
    selinuxLabel: text,
    oomScoreAdj: whole(-1000, 1000),
    noNewPrivileges: flag,
    capabilities: object(
      {},
      {
        bounding: capabilities,
        effective: capabilities,
        inheritable: capabilities,
        permitted: capabilities,
        ambient: capabilities,
      },
    ),
  },
);

const hooks = list(
  object({ path: absolutePath }, { args: list(text), env: list(text), timeout: whole(1, 2 ** 31) }),
);

const HOOK_KINDS: readonly HookKind[] = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
];

const idMappings = list(object({ hostID: id, containerID: id, size: id }));

const linux = object(
  {},
  {
    namespaces: all(list(object({ type: oneOf(NAMESPACES) }, { path: absolutePath })), unique("type")),
    uidMappings: idMappings,
    gidMappings: idMappings,
    devices: list(
      object(
        { type: text, path: text },
        { major: whole(), minor: whole(), fileMode: whole(0), uid: id, gid: id },
      ),
    ),
    cgroupsPath: text,
    resources: checkResources,
    rootfsPropagation: text,
    seccomp: object({ defaultAction: text }),
    sysctl: map(text),
    maskedPaths: list(text),
    readonlyPaths: list(text),
    mountLabel: text,
    netDevices: map(object({}, { name: text })),
  },
);

const vm = object(
  {},
  {
    hypervisor: object({ path: absolutePath }, { parameters: list(text) }),
    kernel: object({ path: absolutePath }, { parameters: list(text), initrd: absolutePath }),
    image: object({ path: absolutePath, format: text }),
  },
);

const checkSpec = object(
  { ociVersion: filled },
  {
    process,
    root: object({ path: filled }, { readonly: flag }),
    hostname: text,
    domainname: text,
    mounts: list(object({ destination: filled }, { type: text, source: text, options: list(text) })),
    hooks: object({}, Object.fromEntries(HOOK_KINDS.map((kind) => [kind, hooks]))),
    annotations: map(text),
    linux,
    vm,
  },
);
