/** Which folder of the host a volume is: the one that was there at create, whatever has its name later. */
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import test from "ava";
import { makeGuest, mountAt } from "./volume-harness.ts";

test.serial(
  "what a guest writes comes into its folder, whose mount was gone before it started",
  async (t) => {
    const guest = makeGuest(t, []);
    const folder = `${guest.bench.folder}/volume/sub`;
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/before`, "from the host");
    const given = `${guest.bench.folder}/given`;
    const mount = mountAt(t, given, "--bind", folder);
    guest.bench.configure((config) =>
      Object.assign(config, { mounts: [{ destination: "/data", source: given, options: ["rbind", "rw"] }] }),
    );
    guest.do("create");
    mount.unmount();
    guest.do("start", guest.bench.id);
    t.is(await guest.get("/file?path=/data/before"), "from the host");
    await guest.put("/data/after", "from the guest");
    guest.stop();
    guest.do("delete", guest.bench.id);
    t.is(readFileSync(`${folder}/after`, "utf8"), "from the guest");
  },
);

test.serial("the same, where the mount goes while the guest runs", async (t) => {
  const guest = makeGuest(t, []);
  const folder = `${guest.bench.folder}/volume`;
  mkdirSync(folder);
  const given = `${guest.bench.folder}/given`;
  const mount = mountAt(t, given, "--bind", folder);
  guest.bench.configure((config) =>
    Object.assign(config, { mounts: [{ destination: "/data", source: given, options: ["rbind", "rw"] }] }),
  );
  guest.do("create");
  guest.do("start", guest.bench.id);
  await guest.put("/data/file", "from the guest");
  mount.unmount();
  guest.stop();
  guest.do("delete", guest.bench.id);
  t.is(readFileSync(`${folder}/file`, "utf8"), "from the guest");
});

test.serial("a folder that one guest writes is refused to a second, by whatever path", async (t) => {
  const first = makeGuest(t, []);
  const folder = `${first.bench.folder}/volume`;
  mkdirSync(folder);
  const [one, two] = [`${first.bench.folder}/one`, `${first.bench.folder}/two`];
  for (const path of [one, two]) mountAt(t, path, "--bind", folder);
  const second = makeGuest(t, []);
  for (const [guest, source] of [
    [first, one],
    [second, two],
  ] as const)
    guest.bench.configure((config) =>
      Object.assign(config, { mounts: [{ destination: "/data", source, options: ["rbind"] }] }),
    );
  first.do("create");
  first.do("start", first.bench.id);
  second.do("create");
  const refused = second.bench.call("start", second.bench.id);
  t.is(refused.code, 1);
  t.regex(refused.stderr, /the volume \S+\/two is being written by the guest of container /);
});

test.serial("what is mounted below a folder is the guest's with rbind, and not with bind", async (t) => {
  const guest = makeGuest(t, []);
  const folder = `${guest.bench.folder}/volume`;
  const other = `${guest.bench.folder}/other`;
  for (const path of [`${folder}/inner`, other]) mkdirSync(path, { recursive: true });
  writeFileSync(`${folder}/inner/below`, "hidden by the mount");
  writeFileSync(`${other}/secret`, "on the mount");
  mountAt(t, `${folder}/inner`, "--bind", other);
  guest.bench.configure((config) =>
    Object.assign(config, {
      mounts: [
        { destination: "/data", source: folder, options: ["bind", "rw"] },
        { destination: "/read", source: folder, options: ["bind", "ro"] },
        { destination: "/all", source: folder, options: ["rbind", "ro"] },
      ],
    }),
  );
  guest.do("create");
  guest.do("start", guest.bench.id);
  for (const place of ["/data", "/read"]) {
    t.is(await guest.get(`/file?path=${place}/inner/below`), "hidden by the mount", place);
    t.regex(await guest.get(`/list?path=${place}/inner`), /^- +\d+ below\n$/, place);
  }
  t.is(await guest.get("/file?path=/all/inner/secret"), "on the mount");
  await guest.put("/data/inner/written", "by the guest");
  guest.stop();
  guest.do("delete", guest.bench.id);
  t.deepEqual(readdirSync(other), ["secret"]);
  Bun.spawnSync(["umount", `${folder}/inner`]);
  t.deepEqual(readdirSync(`${folder}/inner`).sort(), ["below", "written"]);
});

test.serial(
  "a volume is the folder that it was at create, and nothing is written into one that gets its name",
  async (t) => {
    const guest = makeGuest(t, []);
    const parent = `${guest.bench.folder}/parent`;
    const folder = `${parent}/volume`;
    mkdirSync(folder, { recursive: true });
    guest.bench.configure((config) =>
      Object.assign(config, { mounts: [{ destination: "/data", source: folder, options: ["rbind"] }] }),
    );
    guest.do("create");
    renameSync(parent, `${parent}.moved`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/secret`, "another's");
    guest.do("start", guest.bench.id);
    t.regex(await guest.get("/file?path=/data/secret"), /No such file/);
    await guest.put("/data/secret", "the guest's");
    guest.stop();
    const { code, log } = guest.bench.call("delete", guest.bench.id);
    t.is(code, 0);
    t.regex(log.at(-1)?.msg ?? "", /what its guest wrote is not in \S+\/parent\/volume, /);
    t.is(readFileSync(`${folder}/secret`, "utf8"), "another's");
    guest.do("volumes", `${parent}.moved/volume`);
    t.is(readFileSync(`${parent}.moved/volume/secret`, "utf8"), "the guest's");
  },
);

test.serial("an ext4 given as a disk is refused at start, in a sentence that says what it has", (t) => {
  const guest = makeGuest(t, []);
  const source = `${guest.bench.folder}/disk`;
  Bun.spawnSync(["mke2fs", "-q", "-t", "ext4", source, "8m"]);
  guest.bench.configure((config) =>
    Object.assign(config, { mounts: [{ destination: "/data", source, options: ["rbind"] }] }),
  );
  guest.do("create");
  const refused = guest.bench.call("start", guest.bench.id);
  t.is(refused.code, 1);
  t.regex(refused.stderr, /the disk \S+ has a file system with extents, .*which a unikernel can't mount/);
});
