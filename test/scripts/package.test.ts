import { resolve } from "node:path";
import test from "ava";
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
  const requests = new Set([".TH", ".SH", ".SS", ".TP", ".B", ".I", ".BR", ".PP", ".nf", ".fi"]);
  for (const line of page.split("\n"))
    if (/^[.']/.test(line)) t.true(requests.has(line.split(" ")[0] ?? ""), line);
});

test("the Debian package has the program, its man page, completions and documents", (t) => {
  const [, file = ""] = /in '([^']+)'/.exec(run("scripts/package")) ?? [];
  t.regex(run("dpkg-deb", "--field", file, "Depends"), /qemu-system-x86/);
  const content = run("dpkg-deb", "--contents", file);
  for (const path of [
    "-rwxr-xr-x root/root.* ./usr/bin/unikrun$",
    "./usr/share/man/man8/unikrun.8.gz$",
    "./usr/share/bash-completion/completions/unikrun$",
    "./usr/share/doc/unikrun/docs/operations.md$",
  ])
    t.regex(content, new RegExp(path.replaceAll(".", "\\.").replace("root/root\\.*", "root/root.*"), "m"));
});
