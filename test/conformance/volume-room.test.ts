/** A volume with little room behind it: what a guest is told of that, and what becomes of what it wrote. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import { unikrun } from "./harness.ts";
import { privateHost } from "./private-host.ts";
import { makeGuest, mountAt } from "./volume-harness.ts";

const MIB = 1 << 20;
const SIZE = 8;

const isFile = (name: string): boolean => name.startsWith("file");

test.serial(
  "a guest's disk is not larger than the file system that its folder is on, and all of it comes back",
  async (t) => {
    const guest = makeGuest(t, []);
    const folder = `${guest.bench.folder}/volume`;
    mountAt(t, folder, "-t", "tmpfs", "-o", `size=${SIZE}m`, "test");
    guest.bench.configure((config) =>
      Object.assign(config, { mounts: [{ destination: "/data", source: folder, options: ["rbind"] }] }),
    );
    guest.do("create");
    guest.do("start", guest.bench.id);
    const { disks } = JSON.parse(await guest.get("/config"));
    t.true(disks[0].bytes < 1.1 * SIZE * MIB, `${disks[0].bytes} bytes`);
    let count = 0;
    while (count < 2 * SIZE && (await guest.write(`/data/file${count}`, "x".repeat(MIB))) === 200) count++;
    t.true(count >= SIZE - 2 && count <= SIZE, `${count} MiB`);
    // In the place of itself there is no room for it twice.
    t.is(await guest.remove(`/data/file${count}`), 200);
    await guest.put("/data/file0", "y".repeat(MIB));
    guest.stop();
    const { code, log } = guest.bench.call("delete", guest.bench.id);
    t.is(code, 0);
    t.deepEqual(log, []);
    const files = readdirSync(folder).filter((name) => name !== "lost+found");
    t.deepEqual(files.sort(), Array.from({ length: count }, (_, index) => `file${index}`).sort());
    for (const name of files) t.is(statSync(`${folder}/${name}`).size, MIB, name);
  },
);

test.serial(
  "a folder that others filled keeps no container from starting, and a guest can make room",
  async (t) => {
    const guest = makeGuest(t, []);
    const folder = `${guest.bench.folder}/volume`;
    mountAt(t, folder, "-t", "tmpfs", "-o", `size=${SIZE}m`, "test");
    guest.bench.configure((config) =>
      Object.assign(config, { mounts: [{ destination: "/data", source: folder, options: ["rbind"] }] }),
    );
    guest.do("create");
    guest.do("start", guest.bench.id);
    for (const name of ["file0", "file1", "file2"]) await guest.put(`/data/${name}`, name.repeat(MIB / 5));
    writeFileSync(`${folder}/theirs`, Buffer.alloc((SIZE - 2) * MIB));
    guest.stop();
    const { log } = guest.bench.call("delete", guest.bench.id);
    t.regex(
      log.at(-1)?.msg ?? "",
      /The volume \S+\/volume has no room for what the guest of container test-\S+ wrote /,
    );
    t.false(existsSync(`${folder}/.unikrun-draft`));
    guest.do("create");
    guest.do("start", guest.bench.id);
    t.is((await guest.get("/file?path=/data/file1")).length, 5 * Math.floor(MIB / 5));
    for (const name of ["file1", "file2"]) t.is(await guest.remove(`/data/${name}`), 200);
    guest.stop();
    guest.do("delete", guest.bench.id);
    t.deepEqual(readdirSync(folder).filter(isFile), ["file0"]);
    t.is(statSync(`${folder}/theirs`).size, (SIZE - 2) * MIB);
  },
);

test.serial("a guest whose disk the store has no room for is told so, and goes on", async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-room-`);
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const [store, volume, runtime] = ["store", "volume", "runtime"].map((name) => `${folder}/${name}`) as [
    string,
    string,
    string,
  ];
  mkdirSync(volume);
  const guest = makeGuest(t, [{ destination: "/data", source: volume, options: ["rbind"] }], runtime);
  // For what is left to do when that host has gone.
  t.teardown(() => {
    rmSync(runtime);
    symlinkSync(unikrun, runtime);
  });
  const mount = mountAt(t, store, "-t", "tmpfs", "-o", "size=16m", "test");
  // It sees what was there before it.
  using host = await privateHost();
  host.configure({ store });
  symlinkSync(host.runtime, runtime);
  guest.do("create");
  guest.do("start", guest.bench.id);
  Bun.spawnSync(["dd", "if=/dev/zero", `of=${store}/filler`, "bs=64k"], { stderr: "ignore" });
  t.not(await guest.write("/data/file", "x".repeat(2 * MIB)), 200);
  t.regex(await guest.get("/"), /probe/);
  rmSync(`${store}/filler`);
  guest.stop();
  guest.do("delete", guest.bench.id);
  mount.unmount();
});

test.serial(
  "what is in memory only gets to no disk of the host, outlives a kill, and is in the folder alone afterwards",
  async (t) => {
    const folder = mkdtempSync(`${tmpdir()}/unikrun-room-`);
    t.teardown(() => rmSync(folder, { recursive: true, force: true }));
    const [store, volume, runtime] = ["store", "volume", "runtime"].map((name) => `${folder}/${name}`) as [
      string,
      string,
      string,
    ];
    const guest = makeGuest(t, [{ destination: "/data", source: volume, options: ["rbind"] }], runtime);
    t.teardown(() => {
      rmSync(runtime);
      symlinkSync(unikrun, runtime);
    });
    mountAt(t, volume, "-t", "tmpfs", "-o", `size=${SIZE}m`, "test");
    using host = await privateHost();
    host.configure({ store });
    symlinkSync(host.runtime, runtime);
    guest.do("create");
    guest.do("start", guest.bench.id);
    await guest.put("/data/secret", "in memory");
    const disks = (where: string): string[] => (existsSync(where) ? readdirSync(where) : []);
    t.deepEqual(disks(`${store}/volumes`), []);
    t.is(disks(host.inMemory).length, 1);
    process.kill(guest.bench.pid(), "SIGKILL");
    guest.bench.wait();
    t.deepEqual(readdirSync(volume), []);
    guest.do("delete", "--force", guest.bench.id);
    t.is(readFileSync(`${volume}/secret`, "utf8"), "in memory");
    t.deepEqual(disks(`${store}/volumes`), []);
    t.deepEqual(disks(host.inMemory), []);
  },
);
