/**
 * containerd's config.toml: a runtime of the CRI plugin, by which Kubernetes starts containers
 * (https://github.com/containerd/containerd/blob/main/docs/cri/config.md). The plugin's name goes by the file's version:
 * a file without one is of version 1, of which containerd 2 reads all but this plugin.
 */
import { UnikrunError } from "../error.ts";
import type { ConfigFormat, Entry, Registration } from "./config-format.ts";
import {
  addBlock,
  entriesOf,
  inBlocks,
  isTable,
  lookUp,
  parseToml,
  quoted,
  removeBlock,
  type Table,
} from "./toml-text.ts";

/** In the order of versions, 1 first. */
const PLUGINS = ["cri", "io.containerd.grpc.v1.cri", "io.containerd.cri.v1.runtime"] as const;

/** `fresh` is the version of a file that says nothing yet: 2 for containerd 1, 3 for containerd 2. */
export function containerdFormat(fresh: 2 | 3): ConfigFormat {
  return {
    ...inBlocks,

    list: runtimesOf,

    add(text, file, registration) {
      const { name } = registration;
      const config = parseToml(text ?? "", file);
      const says = Object.keys(config).length > 0;
      const version = says ? versionOf(config, file) : fresh;
      if (version === 1 && fresh === 3) throw new UnikrunError(tooOld(file));
      const given = says ? (text ?? "") : `${text ?? ""}version = ${version}\n`;
      const plugin = PLUGINS[version - 1] ?? PLUGINS[0];
      const before = needsUsual(config, plugin, version)
        ? addBlock(given, USUAL, [`[${tableOf(version, USUAL)}]`, '  runtime_type = "io.containerd.runc.v2"'])
        : given;
      const facts = { version, systemd: usesSystemd(config, plugin) };
      const after = addBlock(before, name, runtimeLines(registration, facts));
      if (isExtended(after, plugin, name)) return after;
      throw new UnikrunError(
        `${file} writes its runtimes in a way that no table can be added to (inline, {…}): make them tables of their own first, as in [plugins."${plugin}".containerd.runtimes.runc]; nothing was changed.`,
      );
    },

    remove(text, file, name) {
      const without = removeBlock(text, name);
      const isLast = runtimesOf(without, file).every((entry) => entry.name === USUAL);
      return isLast ? removeBlock(without, USUAL) : without;
    },

    isEmpty: (text) => /^\s*(?:version = \d+\s*)?$/.test(text),
  };
}

/** What decides how a runtime is written. */
interface Facts {
  readonly version: 1 | 2 | 3;
  /** Whether its runc leaves cgroups to systemd. */
  readonly systemd: boolean;
}

/** Of a config.toml that says something. Throws UnikrunError where it is not valid. */
export function factsOf(text: string, file: string): Facts {
  const config = parseToml(text, file);
  const version = versionOf(config, file);
  return { version, systemd: usesSystemd(config, PLUGINS[version - 1] ?? PLUGINS[0]) };
}

/** A runtime's tables, with annotations of pods that begin with ours. */
export function runtimeLines({ name, binary }: Registration, { version, systemd }: Facts): string[] {
  const table = tableOf(version, name);
  return [
    `[${table}]`,
    '  runtime_type = "io.containerd.runc.v2"',
    '  pod_annotations = ["org.unikrun.*"]',
    `[${table}.options]`,
    `  BinaryName = ${quoted(binary)}`,
    ...(systemd ? ["  SystemdCgroup = true"] : []),
  ];
}

function tableOf(version: Facts["version"], name: string): string {
  const plugin = PLUGINS[version - 1] ?? PLUGINS[0];
  const key = version === 3 ? `'${plugin}'` : version === 2 ? `"${plugin}"` : plugin;
  return `plugins.${key}.containerd.runtimes.${name}`;
}

export function runtimesOf(text: string, file: string): Entry[] {
  const config = parseToml(text, file);
  return PLUGINS.flatMap((plugin) => {
    const runtimes = lookUp(config, "plugins", plugin, "containerd", "runtimes");
    return entriesOf(runtimes, text, (runtime) =>
      isTable(runtime) ? lookUp(runtime, "options", "BinaryName") : undefined,
    );
  });
}

/** Whether the CRI plugin, and with it every runtime that only it knows, is switched off, as in the file that Docker's packages bring. */
export function isCriDisabled(text: string, file: string): boolean {
  const disabled = parseToml(text, file).disabled_plugins;
  return Array.isArray(disabled) && disabled.some((plugin) => PLUGINS.includes(plugin));
}

/** 3 for later ones too, which have that plugin. */
function versionOf(config: Table, file: string): 1 | 2 | 3 {
  const version = config.version ?? 1;
  if (version === 1 || version === 2) return version;
  if (typeof version === "number" && version >= 3) return 3;
  throw new UnikrunError(
    `${file} has the version ${JSON.stringify(version)}, which containerd does not know: make it a number first; nothing was changed.`,
  );
}

/** The runtime that containerd has by itself, unless its file has any other; no registration can have this name. */
const USUAL = "runc";

/** containerd 1 forgets its own runtime where the file names one, and then its CRI plugin does not load. */
function needsUsual(config: Table, plugin: string, version: number): boolean {
  const containerd = ["plugins", plugin, "containerd"] as const;
  const usual = lookUp(config, ...containerd, "default_runtime_name") || USUAL;
  return version < 3 && usual === USUAL && lookUp(config, ...containerd, "runtimes", USUAL) === undefined;
}

const tooOld = (file: string): string =>
  `${file} is of version 1, as every file without "version" is, and containerd 2 finds no runtimes in those: make it one of version 2 first, with version = 2 at its beginning and plugins by their whole names; nothing was changed.`;

/** A host whose runc leaves cgroups to systemd has the kubelet name them in systemd's way, for every runtime. */
function usesSystemd(config: Table, plugin: string): boolean {
  const containerd = ["plugins", plugin, "containerd"] as const;
  const usual = lookUp(config, ...containerd, "default_runtime_name");
  const name = typeof usual === "string" && usual !== "" ? usual : "runc";
  return lookUp(config, ...containerd, "runtimes", name, "options", "SystemdCgroup") === true;
}

function isExtended(text: string, plugin: string, name: string): boolean {
  try {
    return (
      lookUp(Bun.TOML.parse(text) as Table, "plugins", plugin, "containerd", "runtimes", name) !== undefined
    );
  } catch {
    return false;
  }
}
