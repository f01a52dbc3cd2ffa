/** What stands at a path, in a line that is another as soon as anything of it is. */
import { createHash } from "node:crypto";
import { lstatSync, readFileSync, readlinkSync } from "node:fs";

export function described(path: string): string {
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (!status) return "nothing";
  const owned = `${(status.mode & 0o7777).toString(8)} ${status.uid}:${status.gid}`;
  if (status.isDirectory()) return `a folder, ${owned}`;
  if (status.isSymbolicLink()) return `a link to ${readlinkSync(path)}`;
  if (!status.isFile()) return `a node, ${owned} ${status.rdev}`;
  return `a file, ${owned} ${createHash("sha256").update(readFileSync(path)).digest("hex")}`;
}
