import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import { UnikrunError } from "../../runtime/error.ts";
import { podmanFiles, podmanFormat } from "../../runtime/host/podman-config.ts";

const FILE = "/etc/containers/containers.conf";
const registration = { name: "unikrun", binary: "/usr/local/bin/unikrun" };
const add = (text: string | null): string => podmanFormat.add(text, FILE, registration);
const remove = (text: string): string => podmanFormat.remove(text, FILE, "unikrun", null);
const BLOCK = `# unikrun: begin unikrun
[engine.runtimes]
unikrun = ["/usr/local/bin/unikrun"]
# unikrun: end
`;

test("a drop-in is the block and nothing else", (t) => {
  t.is(add(null), BLOCK);
  t.true(podmanFormat.isEmpty(remove(BLOCK)));
});

test("a table of runtimes that is there is not opened again", (t) => {
  const text = `[engine]\nevents_logger = "file"\n[engine.runtimes] # ours\nkata = ["/k"]\n`;
  const added = add(text);
  t.true(
    added.includes(
      `# ours\n# unikrun: begin unikrun\nunikrun = ["/usr/local/bin/unikrun"]\n# unikrun: end\nkata`,
    ),
  );
  t.is(remove(added), text);
  t.deepEqual(podmanFormat.list(added, FILE), [
    { name: "unikrun", binary: "/usr/local/bin/unikrun", isOurs: true },
    { name: "kata", binary: "/k", isOurs: false },
  ]);
});

test("other tables stay as they are", (t) => {
  const text = `[engine] # x\ncgroup_manager = "systemd"\n`;
  t.is(add(text), `${text}\n${BLOCK}`);
  t.is(remove(add(text)), text);
});

test("runtimes that can't be added to, and what is not TOML, are refused", (t) => {
  for (const text of [
    `[engine]\nruntimes = { kata = ["/k"] }\n`,
    BLOCK.replaceAll("unikrun", "other").replace("# other: begin", "# unikrun: begin"),
    "[engine\n",
  ])
    t.throws(() => add(text), { instanceOf: UnikrunError, message: /^\/etc\/containers\/containers\.conf / });
});

test("Podman 4 gets a drop-in, and Podman 3 its one file; all that may name a runtime are read", (t) => {
  const root = mkdtempSync(`${tmpdir()}/unikrun-host-`);
  t.teardown(() => rmSync(root, { recursive: true }));
  const folder = "/etc/containers/containers.conf.d";
  t.is(podmanFiles(root, 4)[0], `${folder}/unikrun.conf`);
  t.is(podmanFiles(root, null)[0], `${folder}/unikrun.conf`);
  t.is(podmanFiles(root, 3)[0], FILE);
  mkdirSync(root + folder, { recursive: true });
  for (const name of ["10-kata.conf", "unikrun.conf", "README"])
    writeFileSync(`${root}${folder}/${name}`, "");
  t.deepEqual(podmanFiles(root, 4), [
    `${folder}/unikrun.conf`,
    FILE,
    `${folder}/10-kata.conf`,
    "/usr/share/containers/containers.conf",
  ]);
});
