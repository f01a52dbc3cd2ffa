/** A host without QEMU and e2fsprogs of its own, where unikrun came with a tree of both. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import { makeBench, repository, start, unikrun } from "./harness.ts";

const folder = mkdtempSync(`${tmpdir()}/unikrun-carried-`);
const carried = `${folder}/bin/unikrun`;
/** Calls it where the host's own are hidden. */
const runtime = `${folder}/runtime`;
const hidden = [
  "/usr/bin/qemu-system-x86_64",
  "/usr/sbin/e2fsck",
  "/usr/sbin/debugfs",
  "/usr/share/qemu",
  "/usr/share/seabios",
];

test.before(() => {
  mkdirSync(`${folder}/bin`);
  copyFileSync(unikrun, carried);
  const script = `. scripts/lib/program-tree.sh && make_program_tree "$1"`;
  const { exitCode, stderr } = Bun.spawnSync(["bash", "-euc", script, "bash", `${folder}/libexec/unikrun`], {
    cwd: repository,
  });
  if (exitCode !== 0) throw new Error(stderr.toString());
  mkdirSync(`${folder}/empty`);
  writeFileSync(`${folder}/none`, "");
  const hide = hidden
    .filter((path) => existsSync(path))
    .map((path) => `mount --bind ${folder}/${path.includes("/share/") ? "empty" : "none"} ${path}`);
  const lines = [
    "#!/bin/sh",
    `exec unshare --mount sh -ec '${hide.join("; ")}; exec "$@"' sh ${carried} "$@"`,
  ];
  writeFileSync(runtime, lines.join("\n"));
  chmodSync(runtime, 0o755);
});
test.after.always(() => rmSync(folder, { recursive: true }));

test.serial("a guest runs on the QEMU that came with unikrun, and check says which that is", (t) => {
  using bench = makeBench(["exit", "7"], {}, runtime);
  start(t, bench);
  t.is(bench.wait(), 7);
  t.regex(bench.output(), /probe/);
  const { stdout } = Bun.spawnSync([runtime, "check"]);
  const said = stdout.toString();
  t.regex(said, new RegExp(`\\s${folder}/libexec/unikrun/usr/bin/qemu-system-x86_64\n`));
  t.regex(said, /^ok +firmware /m);
  t.regex(said, /^ok +volumes +e2fsck and debugfs are there/m);
});

test.serial("SeaBIOS, which loads the kernel by QEMU, is in that tree too", (t) => {
  using bench = makeBench(["exit", "7"], {}, runtime);
  bench.configure((config) => {
    config.annotations = { "org.unikrun.firmware": "seabios" };
  });
  start(t, bench);
  t.is(bench.wait(), 7);
});
