/** Trees of files to make disks of, and the programs that judge the disks. */
import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  closeSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import type { ExecutionContext } from "ava";
import { type Descriptor, O_CREAT, O_RDWR, openPath, owned } from "../../native/libc.ts";
import { pathSource } from "../../runtime/disk/host-source.ts";
import { openFolderRoot } from "../../runtime/disk/root.ts";
import { type Scan, scanTree } from "../../runtime/disk/scan.ts";

/** A folder of the test's own. */
export function temporaryFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-disk-`);
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder of the host as disks are made of it; it stays open. */
export const scan = (folder: string, path?: string): Scan =>
  scanTree(openFolderRoot(pathSource(folder)), path);

export const opened = (path: string): Descriptor => owned(openPath(path, O_RDWR | O_CREAT, 0o600));

export const LONG_NAME = "n".repeat(255);
/** Just above what ISO 9660 can hold. */
export const BEYOND_4_GIB = 2 ** 32 + 5;

/** One of everything that stands on a disk, but for what only root can make. */
export function variousFiles(folder: string): void {
  const at = (name: string): string => `${folder}/${name}`;
  const deep = at(Array.from({ length: 20 }, (_, depth) => `level${depth}`).join("/"));
  mkdirSync(deep, { recursive: true });
  writeFileSync(`${deep}/file`, "deep");
  mkdirSync(at("empty folder"));
  mkdirSync(at("private"), { mode: 0o700 });
  writeFileSync(at("setuid"), "#!/bin/sh\n");
  chmodSync(at("setuid"), 0o4755);
  utimesSync(at("setuid"), 981173106, 981173106);
  writeFileSync(at(LONG_NAME), "long");
  writeFileSync(at("new\nline"), "n");
  writeFileSync(at("größe €.txt"), "g");
  writeFileSync(at("empty"), "");
  writeFileSync(at("large"), Buffer.alloc(5_000_001, "large "));
  writeFileSync(at("private/one"), "linked");
  linkSync(at("private/one"), at("other"));
  symlinkSync("setuid", at("short link"));
  symlinkSync("/no/such/file", at("dangling"));
  symlinkSync("/", at("root"));
  for (const length of [59, 60, 300]) symlinkSync("x".repeat(length), at(`link of ${length}`));
  symlinkSync(Array.from({ length: 4 }, () => "y".repeat(200)).join("/"), at("long link"));
  symlinkSync("z".repeat(200), at("L".repeat(254)));
  execFileSync("mkfifo", [at("fifo")]);
  const sparse = openSync(at("sparse"), "w");
  writeSync(sparse, "middle", 3_000_000);
  closeSync(sparse);
  truncateSync(at("sparse"), 8_000_000);
}

/** What there is below a folder, path by path, in words that can be compared. */
export function described(folder: string, below = ""): Map<string, string> {
  const all = new Map<string, string>();
  for (const name of readdirSync(`${folder}${below}`).sort()) {
    const path = `${below}/${name}`;
    const status = lstatSync(`${folder}${path}`);
    const words = [status.mode.toString(8)];
    if (status.isSymbolicLink()) words.push(readlinkSync(`${folder}${path}`));
    else words.push(`of ${Math.floor(status.mtimeMs / 1000)}`);
    if (status.isFile()) words.push(Bun.hash(readFileSync(`${folder}${path}`)).toString(16));
    all.set(path, words.join(" "));
    if (status.isDirectory()) for (const [inner, what] of described(folder, path)) all.set(inner, what);
  }
  return all;
}

/** "" where e2fsck finds nothing, else what it says. */
export function faultsOf(image: string): string {
  const { status, stdout, stderr } = spawnSync("e2fsck", ["-fn", image], { encoding: "utf8" });
  return status === 0 ? "" : `${stdout}${stderr}`;
}

export const debugfs = (image: string, ...args: string[]): string =>
  execFileSync("debugfs", [...args, image], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });

export const extractIso = (image: string, to: string): void =>
  void execFileSync("xorriso", ["-osirrox", "on", "-indev", image, "-extract", "/", to], { stdio: "ignore" });
