import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import test from "ava";
import { definitions } from "../../config.schema.json";
import { author, dependencies, version } from "../../package.json";
import { version as locked } from "../../package-lock.json";
import { VERBS } from "../../runtime/cli/table.ts";

const repository = resolve(import.meta.dirname, "../..");

function run(...cmd: readonly string[]): string {
  const { exitCode, stdout, stderr } = Bun.spawnSync([...cmd], { cwd: repository });
  if (exitCode !== 0) throw new Error(`${cmd.join(" ")}: ${stderr}`);
  return stdout.toString();
}

test("the man page has every command and flag, and no line of it is a request by mistake", (t) => {
  const page = run("node_modules/.bin/bun", "scripts/man-page.ts");
  for (const verb of VERBS) {
    t.true(page.includes(`.SS \\fB${verb.name}\\fR`), verb.name);
    for (const { name } of verb.flags())
      t.true(page.includes(`\\fB${`--${name}`.replaceAll("-", "\\-")}\\fR`), name);
  }
  for (const section of ["EXIT STATUS", "EXAMPLES", "ENVIRONMENT", "FILES"])
    t.true(page.includes(`\n.SH ${section}\n`), section);
  for (const file of ["host", "image"] as const)
    for (const key of Object.keys(definitions[file].properties).filter((each) => each !== "$schema"))
      t.regex(page, new RegExp(`^\\.TP\n\\\\fB${key.replaceAll("-", "\\\\-")}\\\\fR\n.`, "m"), key);
  // CRIU's are not before what people look for.
  t.true(page.indexOf("tcp\\-established") > page.indexOf(".SH FILES"));
  const requests = new Set([
    ".TH",
    ".SH",
    ".SS",
    ".TP",
    ".B",
    ".I",
    ".BR",
    ".PP",
    ".nf",
    ".fi",
    ".RS",
    ".RE",
  ]);
  for (const line of page.split("\n"))
    if (/^[.']/.test(line)) t.true(requests.has(line.split(" ")[0] ?? ""), line);
});

let packageFile = "";
test.before(() => {
  packageFile = /in '([^']+)'/.exec(run("scripts/package", "deb"))?.[1] ?? "";
});

/** Every file and folder of the package, folders with "/" at their end. */
const content = (): string[] =>
  run("dpkg-deb", "--contents", packageFile)
    .trim()
    .split("\n")
    .map((line) => / \.(\/.*?)(?: -> .*)?$/.exec(line)?.[1] ?? line);

test("the Debian package has the program, its man page, completions, documents, examples and licenses", (t) => {
  const field = (name: string): string => run("dpkg-deb", "--field", packageFile, name).trim();
  t.regex(field("Depends"), /qemu-system-x86/);
  t.is(field("Version"), version);
  t.is(field("Maintainer"), author);
  t.regex(run("dpkg-deb", "--contents", packageFile), /^-rwxr-xr-x root\/root .* \.\/usr\/bin\/unikrun$/m);
  const paths = content();
  for (const path of [
    "man/man8/unikrun.8.gz",
    "bash-completion/completions/unikrun",
    "zsh/vendor-completions/_unikrun",
    "fish/vendor_completions.d/unikrun.fish",
    "doc/unikrun/docs/operations.md",
    "doc/unikrun/examples/nginx/Dockerfile",
    "doc/unikrun/copyright",
    "doc/unikrun/LICENSE",
  ])
    t.true(paths.includes(`/usr/share/${path}`), path);
});

test("who installs the package is told what to do next, who upgrades it is not", (t) => {
  const script = run("dpkg-deb", "--info", packageFile, "postinst");
  const says = (...args: readonly string[]): string => run("sh", "-c", script, "postinst", ...args);
  t.regex(says("configure"), /unikrun check.*unikrun install/);
  t.is(says("configure", "0.0.9"), "");
});

test("what the program is made of is in the package's copyright file, by version and with its license", (t) => {
  const text = run("node_modules/.bin/bun", "scripts/copyright.ts");
  for (const name of Object.keys(dependencies)) t.regex(text, new RegExp(`^${name} \\d.*License: MIT$`, "m"));
  t.regex(text, /^Bun \d/m);
  t.regex(text, /JavaScriptCore.*LGPL/);
  t.regex(text, /Permission is hereby granted/);
});

test("a relative link of the documents leads to something in the package, and to a heading that is there", (t) => {
  const paths = new Set(content());
  const folder = "/usr/share/doc/unikrun/";
  const documents = [...paths].filter((path) => path.startsWith(folder) && path.endsWith(".md"));
  t.true(documents.length > 20, documents.join());
  for (const document of documents) {
    const text = readFileSync(`${repository}/${document.slice(folder.length)}`, "utf8");
    for (const [, link = ""] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [place = "", heading] = link.split("#");
      const target = place === "" ? document : resolve(dirname(document), place);
      t.true(paths.has(target) || paths.has(`${target}/`), `${document}: ${link}`);
      if (heading === undefined) continue;
      t.true(headingsOf(target.slice(folder.length)).has(heading), `${document}: ${link}`);
    }
  }
});

/** As GitHub names a document's headings in links. */
const headingsOf = (document: string): Set<string> =>
  new Set(
    [...readFileSync(`${repository}/${document}`, "utf8").matchAll(/^#+ (.*)$/gm)].map(([, words = ""]) =>
      words
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );

test("the version is package.json's everywhere, and the commit is the one that the program was built of", (t) => {
  const [first, commit = ""] = run("dist/unikrun", "--version").split("\n");
  t.is(first, `runc version ${version}+unikrun`);
  t.is(readFileSync(`${repository}/CHANGELOG.md`, "utf8").match(/^## (\S+)/m)?.[1], version);
  t.is(locked, version);
  const [, id = ""] = /^commit: ([0-9a-f]{40})(?:-dirty)?$/.exec(commit) ?? [];
  t.is(run("git", "cat-file", "-t", id || "HEAD").trim(), "commit");
  t.not(id, "", commit);
});

test("the program does not say where it was built", (t) => {
  t.false(readFileSync(`${repository}/dist/unikrun`).includes(repository));
});

test("the tarball with QEMU has all that its programs call for, and the license of each part", (t) => {
  const [, file = ""] = /in '([^']+)'/.exec(run("scripts/package", "with-qemu")) ?? [];
  const tree = `unikrun-${version}-with-qemu-linux-x86_64/libexec/unikrun`;
  const lines = run("tar", "-tvzf", file).trim().split("\n");
  t.deepEqual(
    lines.filter((line) => line.includes(`${tree}/`) && !/^[-d]/.test(line)),
    [],
  );
  const paths = new Set(lines.map((line) => line.slice(line.indexOf("unikrun-"))));
  for (const path of [
    "usr/bin/qemu-system-x86_64",
    "usr/sbin/e2fsck",
    "usr/sbin/debugfs",
    "lib64/ld-linux-x86-64.so.2",
    "usr/lib/x86_64-linux-gnu/libc.so.6",
    "usr/share/seabios/bios-256k.bin",
    "usr/share/qemu/multiboot_dma.bin",
    "usr/share/common-licenses/GPL-2",
  ])
    t.true(paths.has(`${tree}/${path}`), path);
  t.true(paths.has(`unikrun-${version}-with-qemu-linux-x86_64/bin/unikrun`));
  const packages = run("tar", "-xOzf", file, `${tree}/usr/share/doc/packages`).matchAll(
    /^(\S+) \S+, \S+ \S+$/gm,
  );
  const names = [...packages].map(([, name]) => String(name));
  t.true(names.includes("qemu-system-x86") && names.length > 20, names.join());
  for (const name of names) t.true(paths.has(`${tree}/usr/share/doc/${name}/copyright`), name);
});
