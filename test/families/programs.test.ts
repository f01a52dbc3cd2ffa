/** What runs on this system is no unikernel, and no unikernel is run on it. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import { classify } from "../../runtime/guest/detect.ts";
import { openFile } from "./open-file.ts";

/** Regular files that are not empty, with links followed. */
function filesOf(folder: string): string[] {
  return readdirSync(folder)
    .map((name) => `${folder}/${name}`)
    .filter((path) => existsSync(path) && statSync(path).isFile() && statSync(path).size > 0);
}

for (const folder of ["/usr/bin", "/usr/sbin", "/usr/lib/x86_64-linux-gnu"]) {
  test(`what is in ${folder} is for an ordinary runtime`, (t) => {
    const files = filesOf(folder);
    t.true(files.length > 50);
    const strange = files.flatMap((path) => {
      using file = openFile(path);
      if (file.read(0, 4).toString("latin1") !== "\x7fELF") return [];
      const { kind } = classify(file);
      // Object files stand beside libraries.
      return kind === "program" || (kind === "broken" && /\.[oa]$/.test(path)) ? [] : [`${path}: ${kind}`];
    });
    t.deepEqual(strange, []);
  });
}

test("programs that compilers make in other ways than usual are programs", (t) => {
  const source = `${tmpdir()}/unikrun-program-${process.pid}.c`;
  const program = `${source}.out`;
  t.teardown(() => Bun.spawnSync(["rm", "-f", source, program]));
  Bun.spawnSync(["sh", "-c", `echo 'int main(void) { return 0; }' > ${source}`]);
  for (const flags of [
    ["-static"],
    ["-static-pie"],
    ["-static", "-s", "-Wl,-Ttext-segment=0x200000"],
    ["-no-pie"],
  ]) {
    const made = Bun.spawnSync(["gcc", ...flags, "-o", program, source], { stderr: "pipe" });
    t.is(made.exitCode, 0, made.stderr.toString());
    using file = openFile(program);
    t.is(classify(file).kind, "program", flags.join(" "));
  }
});

test("a kernel of Linux in an ELF file, and an object of one, are no programs", (t) => {
  const source = `${tmpdir()}/unikrun-kernel-${process.pid}.S`;
  const object = `${source}.o`;
  t.teardown(() => Bun.spawnSync(["rm", "-f", source, object, `${object}.out`]));
  Bun.spawnSync(["sh", "-c", `echo '.globl _start; _start: hlt' > ${source}`]);
  t.is(Bun.spawnSync(["gcc", "-c", "-o", object, source]).exitCode, 0);
  using module = openFile(object);
  t.is(classify(module).kind, "broken");
  const link = ["ld", "-Ttext=0xffffffff81000000", "-z", "max-page-size=4096", "-o", `${object}.out`, object];
  t.is(Bun.spawnSync(link).exitCode, 0);
  using kernel = openFile(`${object}.out`);
  const found = classify(kernel);
  t.is(found.kind, "broken");
  t.regex(found.kind === "broken" ? found.why : "", /placed where only kernels are/);
});
