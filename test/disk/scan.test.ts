import {
  chmodSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import test from "ava";
import { bytesOf } from "../../native/names.ts";
import { scan, temporaryFolder, variousFiles } from "./images.ts";

test("the fingerprint changes with everything that can change, and with nothing else", (t) => {
  const folder = temporaryFolder(t);
  variousFiles(folder);
  const fingerprint = (): string => scan(folder).fingerprint;
  let last = fingerprint();
  readFileSync(`${folder}/large`);
  t.is(fingerprint(), last);
  const changes: Record<string, () => void> = {
    content: () => writeFileSync(`${folder}/other`, "LINKED"),
    mode: () => chmodSync(`${folder}/setuid`, 0o755),
    time: () => utimesSync(`${folder}/empty`, 5, 5),
    "a new file": () => writeFileSync(`${folder}/new`, ""),
    "a new name": () => renameSync(`${folder}/new`, `${folder}/newer`),
    "one file less": () => unlinkSync(`${folder}/newer`),
    "a second name": () => linkSync(`${folder}/empty`, `${folder}/empty too`),
    "another target": () => {
      unlinkSync(`${folder}/dangling`);
      symlinkSync("/no/such/thing", `${folder}/dangling`);
    },
    "a folder's mode": () => chmodSync(`${folder}/empty folder`, 0o711),
  };
  for (const [what, change] of Object.entries(changes)) {
    change();
    const now = fingerprint();
    t.not(now, last, what);
    last = now;
  }
  t.is(fingerprint(), last);
});

test("hard links are one file", (t) => {
  const folder = temporaryFolder(t);
  variousFiles(folder);
  const { tree } = scan(folder);
  const other = tree.entries.get("other");
  const inside = tree.entries.get("private");
  const one = inside?.kind === "folder" ? inside.entries.get("one") : undefined;
  t.true(other?.kind === "file" && other.identity !== undefined);
  t.is(other?.kind === "file" ? other.identity : "", one?.kind === "file" ? one.identity : undefined);
});

test("a folder below the root is scanned, and its files keep their paths below the root", (t) => {
  const folder = temporaryFolder(t);
  mkdirSync(`${folder}/a/b/c`, { recursive: true });
  writeFileSync(`${folder}/a/b/c/file`, "");
  writeFileSync(`${folder}/a/b/d`, "");
  const { tree } = scan(folder, "/a/b");
  t.deepEqual([...tree.entries.keys()], ["c", "d"]);
  const file = tree.entries.get("d");
  t.like(file?.kind === "file" ? file.content : null, { root: { name: folder }, path: "/a/b/d" });
});

test("the newest change is known", (t) => {
  const folder = temporaryFolder(t);
  writeFileSync(`${folder}/old`, "");
  utimesSync(`${folder}/old`, 4_000_000_000, 4_000_000_000);
  t.is(scan(folder).newest, 4_000_000_000_000_000_000n);
});

test("a link is never followed, whether in the tree or on the way to it", (t) => {
  const folder = temporaryFolder(t);
  symlinkSync("/etc", `${folder}/etc`);
  const entry = scan(folder).tree.entries.get("etc");
  t.is(entry?.kind === "link" ? entry.target : "", "/etc");
  t.throws(() => scan(folder, "/etc"), {
    name: "UnikrunError",
    message: /^Can't read the folder \/etc\/ /,
  });
  t.throws(() => scan(folder, "/../"), { name: "UnikrunError" });
});

test("names that are no UTF-8 are told apart, and each has its own bytes", (t) => {
  const folder = temporaryFolder(t);
  const names = ["caf\xe9", "caf\xe8", "\xf0\x9f\x92\x80", "\xed\xb3\xa9", "\xff\xfe", "a\xc3\xa9\xc3"];
  const bytes = names.map((name) => Buffer.from(name, "latin1"));
  for (const each of bytes) writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), each]), "");
  const found = [...scan(folder).tree.entries.keys()].map((name) => bytesOf(name).toString("latin1"));
  t.deepEqual(found.sort(), [...names].sort());
});

test("paths of more than 4096 bytes can be read", (t) => {
  const folder = temporaryFolder(t);
  const script = `for i in $(seq 30); do mkdir ${"d".repeat(200)}; cd ${"d".repeat(200)}; done; echo deep > file`;
  Bun.spawnSync(["bash", "-c", script], { cwd: folder });
  let depth = 0;
  for (let at = scan(folder).tree.entries.get("d".repeat(200)); at?.kind === "folder"; depth++)
    at = at.entries.get("d".repeat(200)) ?? at.entries.get("file");
  t.is(depth, 30);
});
