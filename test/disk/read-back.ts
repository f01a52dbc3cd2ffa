/** Copies what is on an ext2 image to the host. */
import { execFileSync } from "node:child_process";
import { chmodSync, linkSync, lutimesSync, mkdirSync, symlinkSync } from "node:fs";
import { O_RDONLY, openPath, owned } from "../../native/libc.ts";
import type { Ext2Folder } from "../../runtime/disk/ext2/inodes.ts";
import { isFolder, openExt2 } from "../../runtime/disk/ext2/reader.ts";
import { opened } from "./images.ts";

/** Gives the paths that are not as the writer left them. */
export function readBack(image: string, to: string): string[] {
  using file = owned(openPath(image, O_RDONLY));
  const disk = openExt2(file.fd);
  const touched: string[] = [];
  const known = new Map<number, string>();
  const copy = (folder: Ext2Folder, path: string): void => {
    mkdirSync(`${to}${path}`, { recursive: true });
    for (const { name, node } of disk.entries(folder)) {
      const within = `${path}/${name}`;
      const target = `${to}${within}`;
      if (!node.untouched) touched.push(within);
      const same = known.get(node.inode);
      if (same) linkSync(same, target);
      else if (isFolder(node)) copy(node, within);
      else if (node.kind === "link") symlinkSync(disk.readLink(node), target);
      else if (node.kind === "fifo") execFileSync("mkfifo", [target]);
      else if (node.kind === "file") {
        using result = opened(target);
        disk.copyFile(node, result.fd);
        if (!disk.sameContent(node, result.fd)) throw new Error(`${within} is not what was copied`);
      }
      known.set(node.inode, target);
      if (node.kind !== "link") chmodSync(target, node.mode);
      lutimesSync(target, node.modified, node.modified);
    }
  };
  copy(disk.root, "");
  return touched;
}
