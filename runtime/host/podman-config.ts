/** Podman's containers.conf and its drop-ins: `[engine.runtimes] NAME = ["PATH", …]` (containers.conf(5)). */
import { UnikrunError } from "../error.ts";
import type { ConfigFormat } from "./config-format.ts";
import { dropInsIn } from "./engine-files.ts";
import { addBlock, entriesOf, inBlocks, lookUp, parseToml, quoted, type Table } from "./toml-text.ts";

export const podmanFormat: ConfigFormat = {
  ...inBlocks,

  list: (text, file) =>
    entriesOf(lookUp(parseToml(text, file), "engine", "runtimes"), text, (paths) =>
      Array.isArray(paths) ? paths[0] : undefined,
    ),

  add(text, file, { name, binary }) {
    const given = text ?? "";
    parseToml(given, file);
    const line = `${name} = [${quoted(binary)}]`;
    // A table can be opened only once; one that is opened in a block of ours goes with it.
    const header =
      /(?<!# unikrun: begin [^\n]*\n)^[ \t]*\[[ \t]*engine[ \t]*\.[ \t]*runtimes[ \t]*\][^\n]*\n/m.exec(
        given,
      );
    const after = header
      ? addBlock(given, name, [line], header.index + header[0].length)
      : addBlock(given, name, ["[engine.runtimes]", line]);
    if (isExtended(after, name)) return after;
    throw new UnikrunError(
      `${file} writes its runtimes in a way that no table can be added to, or has one of unikrun's already: make them a table [engine.runtimes] first; nothing was changed.`,
    );
  },
};

const MAIN = "/etc/containers/containers.conf";
const FOLDER = "/etc/containers/containers.conf.d";
const DROP_IN = `${FOLDER}/unikrun.conf`;

/** Where a runtime may stand, as paths below `root`; what is to be written comes first. Podman reads the folder since version 4. */
export function podmanFiles(root: string, major: number | null): readonly string[] {
  const first = (major ?? 4) >= 4 ? DROP_IN : MAIN;
  return [...new Set([first, MAIN, ...dropInsIn(root, FOLDER), "/usr/share/containers/containers.conf"])];
}

function isExtended(text: string, name: string): boolean {
  try {
    return lookUp(Bun.TOML.parse(text) as Table, "engine", "runtimes", name) !== undefined;
  } catch {
    return false;
  }
}
