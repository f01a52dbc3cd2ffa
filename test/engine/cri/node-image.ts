/** The image of examples/kubernetes/install, on a base that is made of this distribution's own programs: there is no registry here. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { repository, succeed, unikrun } from "../harness.ts";

const PROGRAMS =
  "bash sh cat cp cut find grep ln ls mkdir mv nsenter readlink rm rmdir sed sha256sum sleep sort tr xargs curl";

const BASE = `
mkdir -p "$1/base/usr/bin" "$1/base/usr/lib" "$1/base/usr/lib64" "$1/base/tmp"
for name in bin lib lib64; do ln -s "usr/$name" "$1/base/$name"; done
for program in ${PROGRAMS}; do
  path=$(PATH=/usr/bin:/bin command -v "$program")
  cp -L "$path" "$1/base/usr/bin/$program"
  { ldd "$path" || true; } | grep -o '/[^ ]*' | while read -r library; do
    mkdir -p "$1/base\${library%/*}"
    cp -Ln "$library" "$1/base$library"
  done
done
tar -C "$1/base" -c . | docker import - node-base
`;

/** What the release's tarball has that counts on a node. */
const TARBALL = `
. scripts/lib/program-tree.sh
tree=$1/unikrun-0
make_program_tree "$tree/libexec/unikrun"
install -D "$2" "$tree/bin/unikrun"
tar -C "$1" -c unikrun-0 -f "$1/context/unikrun-0-with-qemu-linux-x86_64.tar.gz"
`;

export function buildNodeImage(name: string): void {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-image-`);
  try {
    cpSync(`${repository}/examples/kubernetes/install`, `${folder}/context`, { recursive: true });
    const run = (script: string): string =>
      succeed(["bash", "-euc", `cd "$0"\n${script}`, repository, folder, unikrun]);
    run(BASE);
    run(TARBALL);
    succeed(["docker", "build", "-q", "--build-arg", "BASE=node-base", "-t", name, `${folder}/context`]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Another version of it, as far as its name says so. */
export function nextVersion(of: string, name: string): void {
  succeed(["docker", "build", "-q", "-t", name, "-"], `FROM ${of}\nRUN echo 1111111111111111 >/id\n`);
}
