/** CRI-O's drop-ins: `[crio.runtime.runtimes.NAME]` with `runtime_path` (crio.conf(5), crio.conf.d(5)). */
import { UnikrunError } from "../error.ts";
import type { ConfigFormat } from "./config-format.ts";
import { dropInsIn } from "./engine-files.ts";
import { addBlock, entriesOf, inBlocks, isTable, lookUp, parseToml, quoted } from "./toml-text.ts";

const FOLDER = "/etc/crio/crio.conf.d";
const DROP_IN = `${FOLDER}/50-unikrun.conf`;

/** Where a runtime may stand, as paths below `root`; what is to be written comes first. */
export function crioFiles(root: string): readonly string[] {
  return [...new Set([DROP_IN, ...dropInsIn(root, FOLDER), "/etc/crio/crio.conf"])];
}

export const crioFormat: ConfigFormat = {
  ...inBlocks,

  list: (text, file) =>
    entriesOf(lookUp(parseToml(text, file), "crio", "runtime", "runtimes"), text, (runtime) =>
      isTable(runtime) ? runtime.runtime_path : undefined,
    ),

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
};
