/**
 * k3s' containerd: k3s makes its config.toml anew at each start, of a template for Go in which `{{ template "base" . }}` stands for
 * what it would have written by itself (https://docs.k3s.io/advanced#configuring-containerd). So the template is no TOML, and what
 * it leads to is read off the file that k3s made last.
 */
import { readTextOrNull } from "../../native/files.ts";
import { UnikrunError } from "../error.ts";
import type { ConfigFormat, Entry } from "./config-format.ts";
import { factsOf, runtimeLines, runtimesOf } from "./containerd-config.ts";
import { addBlock, blockOf, hasBlock, inBlocks } from "./toml-text.ts";

const FOLDER = "/var/lib/rancher/k3s/agent/etc/containerd";
const MADE = `${FOLDER}/config.toml`;

/** A version of config.toml has a template of its own, and k3s takes the newest that is there. */
export function k3sFiles(root: string): readonly string[] {
  const templates = [`${FOLDER}/config-v3.toml.tmpl`, `${FOLDER}/config.toml.tmpl`];
  return madeVersion(root) === 2 ? templates.reverse() : templates;
}

export const k3sFormat = (root: string): ConfigFormat => ({
  ...inBlocks,

  list: (text) => [...text.matchAll(RUNTIME)].map((match) => entryOf(text, match[1] ?? "")),

  add(text, _file, registration) {
    const made = readTextOrNull(`${root}${MADE}`);
    if (made === null)
      throw new UnikrunError(
        `${MADE} is not there, by which k3s tells the version of its containerd: start k3s once first; nothing was changed.`,
      );
    return addBlock(text ?? BASE, registration.name, runtimeLines(registration, factsOf(made, MADE)));
  },

  isEmpty: (text) => ["", BASE.trim()].includes(text.trim()),
});

const BASE = '{{ template "base" . }}\n';

/** A runtime's table, whatever its plugin is called. */
const RUNTIME = /^[ \t]*\[[^\n\]]*\.containerd\.runtimes\.["']?([\w-]+)["']?\]/gm;

/** Only a block of ours is surely TOML. */
function entryOf(text: string, name: string): Entry {
  const isOurs = hasBlock(text, name);
  const [entry] = isOurs ? runtimesOf(blockOf(text, name), MADE) : [];
  return { name, binary: entry?.binary ?? null, isOurs };
}

function madeVersion(root: string): number | null {
  const made = readTextOrNull(`${root}${MADE}`);
  return made === null ? null : factsOf(made, MADE).version;
}
