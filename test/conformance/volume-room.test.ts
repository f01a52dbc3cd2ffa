/** A volume with little room behind it: what a guest is told of that, and what becomes of what it wrote. */
import {
  chownSync,
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
import test, { type ExecutionContext } from "ava";
import { unikrun } from "./harness.ts";
import { privateHost } from "./private-host.ts";
import { type Guest, makeGuest, mountAt } from "./volume-harness.ts";

const MIB = 1 << 20;
const SIZE = 8;

/** Its volume is a tmpfs of SIZE MiB. */
function guestWithLittleRoom(t: ExecutionContext): { guest: Guest; folder: string } {
  const guest = makeGuest(t, []);
  const folder = `${guest.bench.folder}/volume`;
  mountAt(t, folder, "-t", "tmpfs", "-o", `size=${SIZE}m`, "test");
  guest.bench.configure((config) =>
    Object.assign(config, { mounts: [{ destination: "/data", source: folder, options: ["rbind"] }] }),
  );
  return { guest, folder };
}

/** One with a volume, whose calls go to a host of its own, with a store of its own; one of the two is a tmpfs of so many MiB. */
async function guestElsewhere(
  t: ExecutionContext,
  small: { place: "store" | "volume"; size: number },
  onDisk: Parameters<typeof privateHost>[0] = [],
) {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-room-`);
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const [store, volume, runtime] = [`${folder}/store`, `${folder}/volume`, `${folder}/runtime`];
  mkdirSync(volume);
  const mount = mountAt(t, `${folder}/${small.place}`, "-t", "tmpfs", "-o", `size=${small.size}m`, "test");
  const guest = makeGuest(t, [{ destination: "/data", source: volume, options: ["rbind"] }], runtime);
  // It sees what was there before it.
  const host = await privateHost(onDisk);
  host.configure({ store });
  symlinkSync(host.runtime, runtime);
  t.teardown(() => {
    host[Symbol.dispose]();
    // For what is left to do when that host has gone.
    rmSync(runtime);
    symlinkSync(unikrun, runtime);
  });
  return { guest, volume, store, host, mount };
}

const isFile = (name: string): boolean => name.startsWith("file");

test.serial(
  "a guest's disk is not larger than the file system that its folder is on, and all of it comes back",
  async (t) => {
    const { guest, folder } = guestWithLittleRoom(t);
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
    const { guest, folder } = guestWithLittleRoom(t);
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
  const { guest, store, mount } = await guestElsewhere(t, { place: "store", size: 16 });
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

for (const [where, place, onDisk] of [
  ["in /run", "run", []],
  ["in /dev/shm, where /run is on a disk", "shm", ["run"]],
] as const)
  test.serial(
    `the disk of what is in memory only is ${where}, outlives a kill, and is gone when the folder has all of it`,
    async (t) => {
      const { guest, volume, store, host, disks } = await memoryGuest(t, onDisk);
      guest.do("create");
      guest.do("start", guest.bench.id);
      await guest.put("/data/secret", "in memory");
      t.deepEqual(disks(store), []);
      t.is(disks(host.inMemory[place]).length, 1);
      process.kill(guest.bench.pid(), "SIGKILL");
      guest.bench.wait();
      t.deepEqual(readdirSync(volume), []);
      guest.do("delete", "--force", guest.bench.id);
      t.is(readFileSync(`${volume}/secret`, "utf8"), "in memory");
      for (const each of [store, host.inMemory.run, host.inMemory.shm]) t.deepEqual(disks(each), []);
    },
  );

test.serial("a host without a place in memory has no guest write what is in memory only", async (t) => {
  const { guest, store, disks } = await memoryGuest(t, ["run", "shm"]);
  guest.do("create");
  const { code, stderr } = guest.bench.call("start", guest.bench.id);
  t.is(code, 1);
  t.regex(stderr, /The volume \S+\/volume is in memory only, and this host has no place in memory /);
  t.deepEqual(disks(store), []);
});

test.serial("a place in memory that somebody else has made is passed over", async (t) => {
  const { guest, host, store, disks } = await memoryGuest(t, ["run"]);
  mkdirSync(host.inMemory.shm, { recursive: true });
  chownSync(host.inMemory.shm, 1000, 1000);
  guest.do("create");
  t.regex(guest.bench.call("start", guest.bench.id).stderr, /this host has no place in memory /);
  t.deepEqual([...disks(store), ...disks(host.inMemory.shm)], []);
});

/** One that is to write a volume on a tmpfs, on a host of its own. */
async function memoryGuest(t: ExecutionContext, onDisk: Parameters<typeof privateHost>[0]) {
  const made = await guestElsewhere(t, { place: "volume", size: SIZE }, onDisk);
  const disks = (where: string): string[] =>
    existsSync(`${where}/volumes`) ? readdirSync(`${where}/volumes`) : [];
  return { ...made, disks };
}
