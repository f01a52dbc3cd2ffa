import { statusOrNull } from "../../../native/files.ts";
import { errorCode } from "../../../native/libc.ts";
import { readSmallText } from "../../../native/regular-file.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import { absolutePath, all, filled, flag, list, map, object, oneOf, text, together, whole } from "./check.ts";
import { checkLinux, idMappings } from "./linux.ts";
import type { HookKind, Spec } from "./oci.ts";
import { checkProcess } from "./process.ts";

/** config.json, parsed and not looked at yet. */
export interface Config {
  /** In errors. */
  readonly name: string;
  /** Undefined where nothing can be made of it. */
  readonly value: unknown;
  /** Why it is not JSON. */
  readonly fault?: unknown;
}

/** Bytes; those of a large image have some 100,000. */
const LONGEST = 1 << 24;

/** Throws UnikrunError where it can't be read. */
export function readConfig(bundle: string): Config {
  const name = `config.json of ${bundle}`;
  let source: string;
  try {
    source = readSmallText(`${bundle}/config.json`, LONGEST);
  } catch (cause) {
    throw new UnikrunError(whyUnreadable(bundle, name, cause), { cause });
  }
  return parseConfig(source, name);
}

export function parseConfig(source: string, name: string): Config {
  try {
    return { name, value: JSON.parse(source) };
  } catch (fault) {
    return { name, value: firstValue(source), fault };
  }
}

/** Go's decoder, which other runtimes read with, takes the first value and does not look at what follows. */
function firstValue(source: string): unknown {
  try {
    return JSON.parse(source.slice(0, source.lastIndexOf("}") + 1));
  } catch {
    return undefined;
  }
}

function whyUnreadable(bundle: string, name: string, cause: unknown): string {
  const isAbsent = ["ENOENT", "ENOTDIR"].includes(errorCode(cause));
  if (!isAbsent) return `The ${name} can't be read (${reasonOf(cause)}).`;
  if (statusOrNull(bundle)?.isFolder)
    return `The ${name} is not there: --bundle must name the folder of an OCI bundle.`;
  return `The bundle ${bundle} is not there: --bundle must name a folder with config.json in it.`;
}

/** Checks it. Throws UnikrunError that names the wrong field, with the configuration's name in front of its place. */
export function specOf({ name, value, fault }: Config): Spec {
  if (fault !== undefined)
    throw new UnikrunError(`The ${name} is not JSON (${reasonOf(fault)}).`, { cause: fault });
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new UnikrunError(`The ${name} must be a JSON object.`);
  checkVersion((value as Partial<Spec>).ociVersion, name);
  checkSpec(value, `${name}: `);
  return value as Spec;
}

/** Versions 1.x of the specification by semver.org, and the release candidates of 1.0 that engines of the time wrote. */
function checkVersion(version: unknown, name: string): void {
  filled(version, `${name}: ociVersion`);
  if (/^1\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/.test(String(version))) return;
  throw new UnikrunError(
    `${name}: ociVersion ${JSON.stringify(version)} is not supported: this runtime knows versions 1.x of the specification.`,
  );
}

/** Options of a mount. */
export const SIMPLE_ACCESS = ["ro", "rw"];
/** Of the mount and all below it, which on Linux is set last (mount_setattr(2)). */
export const RECURSIVE_ACCESS = ["rro", "rrw"];

/** Destinations may be relative, to "/" (config.md, Mounts). */
const mount = all(
  object(
    { destination: filled },
    { type: text, source: text, options: list(text), uidMappings: idMappings, gidMappings: idMappings },
  ),
  together("uidMappings", "gidMappings"),
);

const hooks = list(
  object({ path: absolutePath }, { args: list(text), env: list(text), timeout: whole(1, 2 ** 31 - 1) }),
);

export const HOOK_KINDS: readonly HookKind[] = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
];

/** config-vm.md; an image whose format is not said is raw. */
const vm = object(
  { kernel: object({ path: absolutePath }, { parameters: list(text), initrd: absolutePath }) },
  {
    hypervisor: object({ path: absolutePath }, { parameters: list(text) }),
    image: object({ path: absolutePath }, { format: oneOf(["raw", "qcow2", "vdi", "vmdk", "vhd"]) }),
  },
);

const checkSpec = object(
  { root: object({ path: filled }, { readonly: flag }) },
  {
    process: checkProcess,
    hostname: text,
    domainname: text,
    mounts: list(mount),
    hooks: object({}, Object.fromEntries(HOOK_KINDS.map((kind) => [kind, hooks]))),
    annotations: map(text),
    linux: checkLinux,
    vm,
  },
);
