/** Whose files are in a volume of a container with a user namespace: as in a Linux container with the same. */
import { chownSync, lstatSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { isRow } from "../troubleshooting.ts";
import { HOST_ROOT, MAPPINGS, remap } from "./remapped.ts";
import { type Guest, makeGuest, makeKeepingGuest } from "./volume-harness.ts";

interface Mount {
  destination: string;
  source: string;
  options: string[];
  uidMappings?: typeof MAPPINGS;
  gidMappings?: typeof MAPPINGS;
}

function make(t: ExecutionContext, mounts: (folder: string) => Mount[]): { guest: Guest; folder: string } {
  const guest = makeGuest(t, []);
  remap(guest.bench);
  const folder = `${guest.bench.folder}/volume`;
  mkdirSync(folder);
  guest.bench.configure((config) => Object.assign(config, { mounts: mounts(folder) }));
  return { guest, folder };
}

const bind = (source: string, ...options: string[]): Mount => ({
  destination: "/data",
  source,
  options: ["rbind", ...options],
});

function start({ bench, ...guest }: Guest): void {
  guest.do("create");
  guest.do("start", bench.id);
}

const ownerOf = (path: string): number[] => {
  const { uid, gid } = lstatSync(path);
  return [uid, gid];
};

const stat = async (guest: Guest, path: string) => JSON.parse(await guest.get(`/stat?path=${path}`));

test.serial("a volume's owners are the container's in the guest, and the host's in the folder", async (t) => {
  const { guest, folder } = make(t, (path) => [bind(path)]);
  writeFileSync(`${folder}/www`, "before");
  chownSync(folder, HOST_ROOT, HOST_ROOT);
  chownSync(`${folder}/www`, HOST_ROOT + 33, HOST_ROOT + 34);
  start(guest);
  t.like(await stat(guest, "/data"), { uid: 0, gid: 0 });
  t.like(await stat(guest, "/data/www"), { uid: 33, gid: 34 });
  await guest.put("/data/www", "after");
  await guest.put("/data/new", "new");
  guest.stop();
  guest.do("delete", guest.bench.id);
  t.is(readFileSync(`${folder}/www`, "utf8"), "after");
  t.deepEqual(ownerOf(`${folder}/www`), [HOST_ROOT + 33, HOST_ROOT + 34]);
  t.is(readFileSync(`${folder}/new`, "utf8"), "new");
  t.deepEqual(ownerOf(`${folder}/new`), [HOST_ROOT, HOST_ROOT]);
});

test.serial(
  "what is the host's own stays as it is, and a guest sees no more of it than others may",
  async (t) => {
    const { guest, folder } = make(t, (path) => [bind(path)]);
    chownSync(folder, HOST_ROOT, HOST_ROOT);
    writeFileSync(`${folder}/public`, "for all", { mode: 0o644 });
    writeFileSync(`${folder}/secret`, "the host's", { mode: 0o600 });
    mkdirSync(`${folder}/closed`, { mode: 0o700 });
    writeFileSync(`${folder}/closed/inner`, "the host's");
    start(guest);
    t.like(await stat(guest, "/data/public"), { uid: 65_534, gid: 65_534 });
    t.is(await guest.get("/file?path=/data/public"), "for all");
    t.is(await guest.get("/file?path=/data/secret"), "");
    t.is((await stat(guest, "/data/secret")).size, 0);
    t.notRegex(await guest.get("/list?path=/data/closed"), /inner/);
    await guest.put("/data/public", "changed");
    await guest.put("/data/secret", "changed");
    await guest.put("/data/closed/own", "own");
    await guest.remove("/data/secret");
    await guest.put("/data/new", "new");
    guest.stop();
    guest.do("delete", guest.bench.id);
    t.is(readFileSync(`${folder}/public`, "utf8"), "for all");
    t.is(readFileSync(`${folder}/secret`, "utf8"), "the host's");
    t.is(readFileSync(`${folder}/closed/inner`, "utf8"), "the host's");
    t.throws(() => statSync(`${folder}/closed/own`), { code: "ENOENT" });
    t.is(readFileSync(`${folder}/new`, "utf8"), "new");
  },
);

test.serial(
  "a folder that is the host's own can't be written, in one sentence, and can be read",
  async (t) => {
    const { guest, folder } = make(t, (path) => [bind(path)]);
    writeFileSync(`${folder}/file`, "for all");
    guest.do("create");
    const { code, log } = guest.bench.call("start", guest.bench.id);
    t.is(code, 1);
    isRow(
      t,
      "its guest can't write the volume …, which belongs to 0:0, nobody in the container's user namespace",
      log.at(-1)?.msg ?? "",
    );
    t.regex(
      log.at(-1)?.msg ?? "",
      /can't write the volume .*\/volume, which belongs to 0:0, nobody in .*chown 100000:100000 /,
    );
    guest.do("delete", guest.bench.id);
    guest.bench.configure((config) => Object.assign(config, { mounts: [bind(folder, "ro")] }));
    start(guest);
    t.is(await guest.get("/file?path=/data/file"), "for all");
  },
);

test.serial("an idmapped mount keeps the owners that stand in the folder", async (t) => {
  const { guest, folder } = make(t, (path) => [
    { ...bind(path, "idmap"), uidMappings: MAPPINGS, gidMappings: MAPPINGS },
  ]);
  writeFileSync(`${folder}/file`, "before");
  chownSync(`${folder}/file`, 33, 33);
  start(guest);
  t.like(await stat(guest, "/data"), { uid: 0, gid: 0 });
  t.like(await stat(guest, "/data/file"), { uid: 33, gid: 33 });
  await guest.put("/data/new", "new");
  guest.stop();
  guest.do("delete", guest.bench.id);
  t.deepEqual(ownerOf(`${folder}/new`), [0, 0]);
  t.deepEqual(ownerOf(`${folder}/file`), [33, 33]);
});

test.serial("a guest that is sent a signal is asked to end first, and loses nothing", async (t) => {
  const { guest, folder } = makeKeepingGuest(t);
  remap(guest.bench);
  chownSync(folder, HOST_ROOT, HOST_ROOT);
  start(guest);
  await guest.request("/file?path=/data/file", { method: "PUT", body: "not synced" });
  process.kill(guest.bench.pid(), "SIGTERM");
  t.is(guest.bench.wait(), 143);
  guest.do("delete", guest.bench.id);
  t.is(readFileSync(`${folder}/file`, "utf8"), "not synced");
});
