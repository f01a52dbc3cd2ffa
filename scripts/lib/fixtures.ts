/** What runtimes say to the configurations of the runtime-spec's schema tests. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";

interface Fixture {
  /** "good/minimal.json" */
  readonly name: string;
  readonly text: string;
}

/** Those of config.json for Linux in SCHEMA/test/config. */
export const fixturesIn = (schema: string): Fixture[] =>
  ["good", "bad"].flatMap((kind) =>
    readdirSync(`${schema}/test/config/${kind}`)
      .filter((name) => !/^(freebsd|zos)-/.test(name))
      .sort()
      .map((name) => ({
        name: `${kind}/${name}`,
        text: readFileSync(`${schema}/test/config/${kind}/${name}`, "utf8"),
      })),
  );

/** "created", or the last line of what it said, in a bundle whose program `sh` is the file `program`. */
export function create(
  { text }: Fixture,
  { runtime, program }: { runtime: string; program: string },
): string {
  const folder = mkdtempSync(`${tmpdir()}/fixture-`);
  const id = folder.slice(folder.lastIndexOf("/") + 1);
  const call = (...args: string[]) =>
    Bun.spawnSync({
      cmd: ["timeout", "-s", "KILL", "20", runtime, "--root", `${folder}/state`, ...args],
      cwd: folder,
      // A container keeps what it gets, so no pipe.
      stdio: ["ignore", "ignore", Bun.file(`${folder}/words`)],
    }).exitCode;
  try {
    mkdirSync(`${folder}/rootfs/bin`, { recursive: true });
    copyFileSync(program, `${folder}/rootfs/bin/sh`);
    writeFileSync(`${folder}/config.json`, text);
    if (call("create", "--bundle", folder, id) === 0) return "created";
    const words = existsSync(`${folder}/words`) ? readFileSync(`${folder}/words`, "utf8") : "";
    return (words.trim().split("\n").at(-1) ?? "")
      .replaceAll(folder, "BUNDLE")
      .replaceAll(id, "ID")
      .replace(/^time=\S+ level=error msg="|"$|^unikrun: error: |^\S+Z: /g, "")
      .replaceAll('\\"', '"')
      .replaceAll("|", "\\|");
  } finally {
    call("delete", "--force", id);
    // What a failed create may leave.
    for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n")) {
      const point = line.split(" ")[4] ?? "";
      if (point === folder || point.startsWith(`${folder}/`)) Bun.spawnSync(["umount", "-l", point]);
    }
    rmSync(folder, { recursive: true, force: true });
  }
}
