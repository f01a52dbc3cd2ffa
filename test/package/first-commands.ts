/** The commands that README begins with, as they stand in the README of a package. */

export interface Shown {
  /** Its prompt is "#", not "$". */
  readonly isRoot: boolean;
  /** Of shell, without the comment beside it. */
  readonly line: string;
}

/** `file` is a package for Debian. */
export function firstCommands(file: string): Shown[] {
  const { stdout } = Bun.spawnSync([
    "sh",
    "-c",
    'dpkg-deb --fsys-tarfile "$0" | tar -xO ./usr/share/doc/unikrun/README.md',
    file,
  ]);
  const [, block = ""] = /```console\n([\s\S]*?)```/.exec(stdout.toString()) ?? [];
  return block
    .trimEnd()
    .split("\n")
    .map((line) => ({ isRoot: line.startsWith("# "), line: line.slice(2).replace(/ {2,}#.*/, "") }));
}
