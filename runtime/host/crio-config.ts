/** CRI-O's drop-ins: `[crio.runtime.runtimes.NAME]` with `runtime_path` (crio.conf(5), crio.conf.d(5)). */
import { UnikrunError } from "../error.ts";
import type { ConfigFormat } from "./config-format.ts";
import { pathsIn } from "./engine-files.ts";
import {
  addBlock,
  hasBlock,
  isTable,
  leadBlock,
  lookUp,
  parseToml,
  quoted,
  removeBlock,
} from "./toml-text.ts";

const FOLDER = "/etc/crio/crio.conf.d";
const DROP_IN = `${FOLDER}/50-unikrun.conf`;

/** Where a runtime may stand, as paths below `root`; what is to be written comes first. */
export function crioFiles(root: string): readonly string[] {
  const dropIns = pathsIn(`${root}${FOLDER}`).map((path) => path.slice(root.length));
  return [...new Set([DROP_IN, ...dropIns.filter((path) => path.endsWith(".conf")), "/etc/crio/crio.conf"])];
}

export const crioFormat: ConfigFormat = {
  list(text, file) {
    const runtimes = lookUp(parseToml(text, file), "crio", "runtime", "runtimes");
    return Object.entries(isTable(runtimes) ? runtimes : {}).map(([name, runtime]) => {
      const path = isTable(runtime) ? runtime.runtime_path : undefined;
      return { name, binary: typeof path === "string" ? path : null, isOurs: hasBlock(text, name) };
    });
  },

  add(text, file, { name, binary }) {
    const after = addBlock(text ?? "", name, [
      `[crio.runtime.runtimes.${name}]`,
      `  runtime_path = ${quoted(binary)}`,
      '  runtime_type = "oci"',
      '  runtime_root = "/run/unikrun"',
    ]);
    try {
      parseToml(after, file);
    } catch (cause) {
      throw new UnikrunError(
        `${file} is not valid TOML, or writes its runtimes inline ({…}), so that no table can be added: correct that first; nothing was changed.`,
        { cause },
      );
    }
    return after;
  },

  lead: (text, _file, { name, from, binary }) => leadBlock(text, name, from, binary),

  remove: (text, _file, name) => removeBlock(text, name),

  isEmpty: (text) => text.trim() === "",
};
