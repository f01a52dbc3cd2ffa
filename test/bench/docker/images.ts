/** The images that are measured beside the probe's. */
import { cpSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename } from "node:path";
import { docker, succeed } from "../../engine/harness.ts";

/** An image with the distribution's static busybox as a web server that has one page. */
export function httpdImage(): string {
  return build("bench-httpd", (folder) => {
    mkdirSync(`${folder}/www`);
    cpSync(succeed(["which", "busybox"]), `${folder}/busybox`, { dereference: true });
    writeFileSync(`${folder}/www/index.html`, "It works.\n");
    writeFileSync(
      `${folder}/Dockerfile`,
      'FROM scratch\nCOPY . /\nENTRYPOINT ["/busybox"]\nCMD ["httpd", "-f", "-p", "80", "-h", "/www"]\n',
    );
  });
}

/** The image of a kernel: of its file alone, or of a folder that has a Dockerfile. */
export function kernelImage(path: string): string {
  if (statSync(path).isDirectory()) {
    succeed(["docker", "build", "-q", "-t", "bench-kernel", path]);
    return "bench-kernel";
  }
  return build("bench-kernel", (folder) => {
    const name = basename(path);
    cpSync(path, `${folder}/${name}`);
    const copy = JSON.stringify([name, "/kernel.bin"]);
    writeFileSync(`${folder}/Dockerfile`, `FROM scratch\nCOPY ${copy}\nENTRYPOINT ["/kernel.bin"]\n`);
  });
}

function build(name: string, fill: (folder: string) => void): string {
  if (docker("image", "inspect", name).code === 0) return name;
  const folder = mkdtempSync(`${tmpdir()}/unikrun-image-`);
  try {
    fill(folder);
    succeed(["docker", "build", "-q", "-t", name, folder]);
  } finally {
    rmSync(folder, { recursive: true });
  }
  return name;
}
