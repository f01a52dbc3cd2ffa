/** A host on which unikrun was replaced by a newer one while containers run, and by an older one that must not guess. */
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import test, { type ExecutionContext } from "ava";
import { leftovers, makeBench, repository, unikrun } from "./harness.ts";
import { type Guest, makeGuest } from "./volume-harness.ts";

/** The oldest build whose containers are to go on. */
const OLDER = readFileSync(`${repository}/scripts/lib/oldest-commit`, "utf8").trim();

/** An archive of the sources has nothing to build it from. */
const hasHistory =
  Bun.spawnSync(["git", "-C", repository, "cat-file", "-e", OLDER], { stderr: "ignore" }).exitCode === 0;
const upgrades = hasHistory ? test.serial : test.serial.skip;

const folder = mkdtempSync(`${tmpdir()}/unikrun-older-`);
const older = `${folder}/usr/bin/unikrun`;

test.before(() => {
  if (!hasHistory) return;
  const { stdout, stderr } = Bun.spawnSync([`${repository}/scripts/lib/released`, OLDER]);
  const file = stdout.toString().trim();
  if (file === "") throw new Error(stderr.toString());
  Bun.spawnSync(["dpkg-deb", "--extract", file, folder]);
});

test.after.always(() => rmSync(folder, { recursive: true }));

interface Upgraded {
  readonly guest: Guest;
  readonly volume: string;
  /** Puts today's build in the place of the older one. */
  upgrade(): void;
}

function makeUpgraded(t: ExecutionContext): Upgraded {
  const place = `${makePlace(t)}/unikrun`;
  symlinkSync(older, place);
  const guest = makeGuest(t, [], place);
  const volume = `${guest.bench.folder}/volume`;
  mkdirSync(volume);
  guest.bench.configure((config) =>
    Object.assign(config, { mounts: [{ destination: "/data", source: volume, options: ["rbind", "rw"] }] }),
  );
  return {
    guest,
    volume,
    upgrade() {
      symlinkSync(unikrun, `${place}.new`);
      renameSync(`${place}.new`, place);
    },
  };
}

function makePlace(t: ExecutionContext): string {
  const folder = `/run/unikrun-upgrade-${process.pid}-${Math.random().toString(36).slice(2)}`;
  mkdirSync(folder);
  t.teardown(() => rmSync(folder, { recursive: true }));
  return folder;
}

const isOlder = ({ bench }: Guest): boolean => bench.call("--version").stdout.includes(OLDER.slice(0, 12));

upgrades("a guest that runs is asked, paused, limited, stopped and deleted by a newer unikrun", async (t) => {
  const { guest, volume, upgrade } = makeUpgraded(t);
  const { bench } = guest;
  t.true(isOlder(guest));
  guest.do("create");
  guest.do("start", bench.id);
  await guest.put("/data/file", "written before");
  upgrade();
  t.false(isOlder(guest));
  t.is(JSON.parse(bench.call("state", bench.id).stdout).status, "running");
  t.regex(bench.call("list").stdout, new RegExp(`^${bench.id} `, "m"));
  t.is(bench.call("exec", bench.id, "unikrun", "http", "/").code, 0);
  const status = bench.call("exec", bench.id, "unikrun", "status", "--json");
  t.is(status.code, 0, status.stderr);
  t.true(JSON.parse(bench.call("events", "--stats", bench.id).stdout).data.memory.usage.usage > 0);
  t.true(JSON.parse(bench.call("ps", "--format", "json", bench.id).stdout).length >= 2);
  guest.do("pause", bench.id);
  guest.do("resume", bench.id);
  guest.do("update", "--pids-limit", "200", bench.id);
  await guest.put("/data/more", "written after");
  guest.stop();
  guest.do("delete", bench.id);
  t.is(readFileSync(`${volume}/file`, "utf8"), "written before");
  t.is(readFileSync(`${volume}/more`, "utf8"), "written after");
  t.deepEqual(leftovers(bench), []);
});

upgrades("a container that was only created is started by a newer unikrun", async (t) => {
  const { guest, volume, upgrade } = makeUpgraded(t);
  guest.do("create");
  upgrade();
  guest.do("start", guest.bench.id);
  await guest.put("/data/file", "written");
  guest.stop();
  guest.do("delete", guest.bench.id);
  t.is(readFileSync(`${volume}/file`, "utf8"), "written");
});

upgrades(
  "what a guest wrote that was lost with its runtime is in the volume for a newer one's",
  async (t) => {
    const { guest, volume, upgrade } = makeUpgraded(t);
    const { bench } = guest;
    guest.do("create");
    guest.do("start", bench.id);
    await guest.put("/data/file", "written before");
    process.kill(bench.pid(), "SIGKILL");
    t.is(bench.wait(), 137);
    rmSync(`${bench.root}/${bench.id}`, { recursive: true });
    upgrade();
    guest.do("create");
    guest.do("start", bench.id);
    t.is(await guest.get("/file?path=/data/file"), "written before");
    guest.stop();
    guest.do("delete", bench.id);
    t.is(readFileSync(`${volume}/file`, "utf8"), "written before");
  },
);

/** Has a record say that its form is the next one. */
function age(file: string): void {
  const record = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify({ ...record, version: 2 }));
}

test.serial("a container of a newer unikrun's is left alone, and removed by delete --force", (t) => {
  using bench = makeBench(["cat"]);
  for (const call of [["create"], ["start", bench.id]]) t.is(bench.call(...call).code, 0);
  age(`${bench.root}/${bench.id}/unikrun.json`);
  const { code, stderr } = bench.call("update", "--pids-limit", "100", bench.id);
  t.is(code, 1);
  t.regex(
    stderr,
    /Container \S+ was created by a newer unikrun \(its record in \S+ has version 2, and this one knows 1\): use that one for it, or remove it with delete --force/,
  );
  t.is(bench.call("delete", "--force", bench.id).code, 0);
  t.deepEqual(leftovers(bench), []);
});
