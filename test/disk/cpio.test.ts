import { spawnSync } from "node:child_process";
import { existsSync, linkSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { cpioSize, writeCpio } from "../../runtime/disk/cpio.ts";
import { openInitrd, ROOT } from "../../runtime/disk/initrd.ts";
import { emptyFolder, type Folder, put } from "../../runtime/disk/tree.ts";
import { described, opened, scan, temporaryFolder, variousFiles } from "./images.ts";

function archiveOf(tree: Folder, file: string): number {
  using open = opened(file);
  return writeCpio(tree, open.fd);
}

function extract(t: ExecutionContext, archive: string, to: string): void {
  mkdirSync(to);
  const { status, stderr } = spawnSync("cpio", ["-idm", "--no-absolute-filenames"], {
    cwd: to,
    input: readFileSync(archive),
  });
  t.is(status, 0, stderr.toString());
}

test("cpio finds in the archive what was on the host", (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(`${folder}/source`);
  variousFiles(`${folder}/source`);
  const size = archiveOf(scan(`${folder}/source`).tree, `${folder}/archive`);
  t.is(statSync(`${folder}/archive`).size, size);
  t.is(cpioSize(scan(`${folder}/source`).tree), size);
  extract(t, `${folder}/archive`, `${folder}/copy`);
  t.deepEqual(untimed(`${folder}/copy`), untimed(`${folder}/source`));
});

/** A folder's time is that of what cpio has put into it. */
const untimed = (folder: string): unknown =>
  JSON.parse(JSON.stringify(described(folder)).replace(/"(4\d{4}) of \d+"/g, '"$1"'));

test("the same tree gives the same bytes, and what was in the file before leaves nothing", (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(`${folder}/source`);
  variousFiles(`${folder}/source`);
  writeFileSync(`${folder}/two`, Buffer.alloc(20_000_000, 7));
  for (const name of ["one", "two"]) archiveOf(scan(`${folder}/source`).tree, `${folder}/${name}`);
  t.true(readFileSync(`${folder}/one`).equals(readFileSync(`${folder}/two`)));
});

test("an archive of nothing is its end, and a file of 4 GiB, or a path that nobody can open, is refused by its name", (t) => {
  const folder = temporaryFolder(t);
  archiveOf(emptyFolder(), `${folder}/empty`);
  t.regex(readFileSync(`${folder}/empty`, "latin1"), /^070701[0-9A-Fa-f]{104}TRAILER!!!\0+$/);
  const tree = emptyFolder();
  const common = { kind: "file", mode: 0o644, uid: 0, gid: 0, modified: 0n } as const;
  put(tree, "/data/huge", { ...common, size: 2 ** 32, content: { bytes: Buffer.alloc(0) } });
  t.throws(() => archiveOf(tree, `${folder}/huge`), { message: /^"\/data\/huge" is larger than 4 GiB/ });
  let deep = emptyFolder();
  for (let depth = 0; depth < 20_000; depth++) {
    const above = emptyFolder();
    above.entries.set("a", deep);
    deep = above;
  }
  t.throws(() => archiveOf(deep, `${folder}/deep`), {
    message: /^The path "\/a\/a.*" has more than 4095 bytes/,
  });
});

test("nothing is written where a file's many names would take more than there is room for", (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(`${folder}/rootfs`);
  writeFileSync(`${folder}/rootfs/file`, Buffer.alloc(5 << 20, 7));
  for (let name = 1; name < 20; name++) linkSync(`${folder}/rootfs/file`, `${folder}/rootfs/${name}`);
  const content = {
    kind: "tree",
    base: { in: "image", path: "/" },
    files: new Map(),
    folders: new Set<string>(),
  } as const;
  const open = (most: number) =>
    openInitrd([{ mountpoint: ROOT, readOnly: true, content }], {
      containerId: "test",
      rootfs: `${folder}/rootfs`,
      sourceAt: () => t.fail() as never,
      store: `${folder}/store`,
      limit: 1 << 30,
      texts: new Map(),
      builtIn: new Map(),
      without: [],
      judge(size) {
        if (size > most) throw new Error(`${size >> 20} MiB`);
      },
    });
  t.throws(() => open(50 << 20), { message: "100 MiB" });
  t.false(existsSync(`${folder}/store`));
  using opened = open(200 << 20);
  t.is(opened.size >> 20, 100);
});
