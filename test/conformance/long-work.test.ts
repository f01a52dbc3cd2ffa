/**
 * Work that takes long tells how far it is. Here it does because it is stopped for some seconds in the middle of it, as by Ctrl-Z or a
 * frozen cgroup: the time that it has taken is what counts.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { pathSource } from "../../runtime/disk/host-source.ts";
import { openVolume } from "../../runtime/disk/volume.ts";
import { pids, readIfThere } from "../proc.ts";
import { type Bench, makeBench, start, until } from "./harness.ts";
import { privateHost } from "./private-host.ts";

const MIB = 1 << 20;
/** Takes long enough to be met in the middle of. */
const LARGE = 400;
const LONG = 3300;

interface Place {
  readonly runtime: string;
  readonly store: string;
  readonly volume: string;
}

async function makePlace(t: ExecutionContext): Promise<Place> {
  const host = await privateHost();
  t.teardown(() => host[Symbol.dispose]());
  const [store, volume] = [`${host.folder}/store`, `${host.folder}/volume`];
  mkdirSync(volume);
  host.configure({ store });
  // Whom others keep waiting can still be met in the middle, since they keep it waiting more.
  const runtime = `${host.folder}/patient`;
  writeFileSync(runtime, `#!/bin/sh\nexec nice -n 10 ${host.runtime} "$@"\n`, { mode: 0o755 });
  return { runtime, store, volume };
}

const writeLarge = (file: string, mebibytes = LARGE): void =>
  writeFileSync(file, Buffer.alloc(mebibytes * MIB, "data"));

function benchWith(t: ExecutionContext, { runtime, volume }: Place, readOnly = false): Bench {
  const bench = makeBench(["sleep", "1000"], {}, runtime);
  t.teardown(() => bench[Symbol.dispose]());
  const options = readOnly ? ["rbind", "ro"] : ["rbind"];
  bench.configure((config) =>
    Object.assign(config, { mounts: [{ destination: "/data", source: volume, options }] }),
  );
  return bench;
}

/** Stops a process as soon as a file that it makes has something in it, until it has taken long. */
async function stopAt(find: () => { pid: number; file: string } | null): Promise<void> {
  const MUCH = MIB / 512;
  let pid = 0;
  until(() => {
    const found = find();
    if (!found || !existsSync(found.file) || statSync(found.file).blocks < MUCH) return false;
    pid = found.pid;
    return true;
  });
  process.kill(pid, "SIGSTOP");
  await Bun.sleep(LONG);
  process.kill(pid, "SIGCONT");
}

const filesIn = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder).map((name) => `${folder}/${name}`) : [];

for (const [what, readOnly, draftIn] of [
  ["that it writes", false, (store: string) => filesIn(`${store}/volumes`).map((each) => `${each}/disk.new`)],
  ["that it reads", true, (store: string) => filesIn(`${store}/images`)],
] as const)
  test.serial(
    `how far the disk of a large folder ${what} is stands in the container's log and in the engine's`,
    async (t) => {
      const place = await makePlace(t);
      writeLarge(`${place.volume}/large`);
      const bench = benchWith(t, place, readOnly);
      t.is(bench.call("create").code, 0);
      const log = `${bench.folder}/start.json`;
      const words = ["--root", bench.root, "--log", log, "--log-format", "json", "start", bench.id];
      const { exited, pid } = Bun.spawn([place.runtime, ...words], {
        stdio: ["ignore", "ignore", "ignore"],
      });
      await stopAt(() => {
        const file = draftIn(place.store).find((each) => each.endsWith(".new"));
        return file === undefined ? null : { pid, file };
      });
      t.is(await exited, 0);
      const infos = readFileSync(log, "utf8")
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
        .filter(({ level }) => level === "info")
        .map(({ msg }) => msg);
      const told = /making the disk of \/data: (\d+\.\d) of 400\.\d MiB\.$/;
      t.true(infos.length >= 2, infos.join());
      for (const line of infos) t.regex(line, told);
      const parts = infos.map((line) => Number(told.exec(line)?.[1]));
      t.true((parts[0] ?? 0) > 0 && (parts[0] ?? 0) < LARGE, infos.join());
      t.true((parts.at(-1) ?? 0) >= LARGE);
      const said = readFileSync(`${bench.folder}/output.errors`, "utf8").trim().split("\n");
      t.deepEqual(
        said,
        infos.map((line: string) => `unikrun: ${line.slice(line.indexOf("making"))}`),
      );
    },
  );

test.serial("of a small folder's disk nothing is told", async (t) => {
  const place = await makePlace(t);
  writeLarge(`${place.volume}/small`, 1);
  const bench = benchWith(t, place);
  start(t, bench);
  t.is(readFileSync(`${bench.folder}/output.errors`, "utf8"), "");
  t.deepEqual(
    bench.call("state", bench.id).log.filter(({ level }) => level === "info"),
    [],
  );
});

/** What a guest has written there, but not in the folder yet. */
function writeOnDisk({ store, volume }: Place): void {
  writeLarge(`${volume}.large`);
  const [folder = ""] = filesIn(`${store}/volumes`);
  execFileSync("debugfs", ["-w", "-R", `write ${volume}.large large`, `${folder}/disk`], { stdio: "ignore" });
}

const draftOf = ({ volume }: Place): string => `${volume}/.unikrun-draft`;

/** The process whose command line has all these words. */
function findProcess(...words: readonly string[]): number | undefined {
  return pids().find((pid) => {
    const line = readIfThere(`/proc/${pid}/cmdline`).split("\0");
    return line[0]?.endsWith("unikrun") === true && words.every((word) => line.includes(word));
  });
}

async function stopWhileItBringsBack(place: Place): Promise<void> {
  await stopAt(() => {
    if (!existsSync(draftOf(place))) return null;
    const pid = findProcess("volumes", place.store);
    return pid === undefined ? null : { pid, file: draftOf(place) };
  });
}

async function pendingVolume(t: ExecutionContext): Promise<Place> {
  const place = await makePlace(t);
  const { store, volume } = place;
  openVolume({
    store,
    source: pathSource(volume),
    containerId: "web",
    mountpoint: "/data",
    bytes: 1024 * MIB,
  })[Symbol.dispose]();
  writeOnDisk(place);
  return place;
}

test.serial("a person at a terminal sees a bar, and what has been brought back", async (t) => {
  const place = await pendingVolume(t);
  const command = `${place.runtime} volumes --store ${place.store}`;
  const terminal = Bun.spawn(["script", "-qec", command, "/dev/null"], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await stopWhileItBringsBack(place);
  // It stops with what it runs.
  terminal.kill("SIGCONT");
  const screen = await new Response(terminal.stdout).text();
  t.is(await terminal.exited, 0, screen);
  t.regex(
    screen,
    /bringing back what the guest of container web wrote in \S+\/volume \[#*\.+\] \d+\.\d of 400\.0 MiB/,
  );
  t.regex(screen, /\[#+\] 400\.0 of 400\.0 MiB/);
  t.regex(screen, /\/volume: what the guest of container web wrote has been brought back\.\r\n$/);
  t.notRegex(screen, /unikrun: info/);
  t.is(statSync(`${place.volume}/large`).size, LARGE * MIB);
});

test.serial("without a terminal it is lines, and the answer can be had as JSON", async (t) => {
  const place = await pendingVolume(t);
  const run = (...words: string[]) =>
    Bun.spawn([place.runtime, "volumes", "--store", place.store, ...words], {
      stdio: ["ignore", "pipe", "pipe"],
    });
  const first = run("--json");
  await stopWhileItBringsBack(place);
  const [answer, lines] = await Promise.all(
    [first.stdout, first.stderr].map((each) => new Response(each).text()),
  );
  t.regex(lines ?? "", /^(unikrun: info: bringing back .* of 400\.0 MiB\.\n){2,}$/);
  t.regex(lines ?? "", / 400\.0 of 400\.0 MiB\.\n$/);
  t.deepEqual(JSON.parse(answer ?? ""), {
    volumes: [{ folder: place.volume, container: "web", outcome: "brought back" }],
    removed: [],
    failures: [],
  });
  t.is(await new Response(run().stdout).text(), "No volume lacks anything that a guest wrote.\n");
  t.is(
    await new Response(run(place.volume).stdout).text(),
    `${place.volume}: has all that the guest of container web wrote.\n`,
  );
});

test.serial("a delete that brings a volume back tells the engine's log how far it is", async (t) => {
  const place = await makePlace(t);
  const bench = benchWith(t, place);
  start(t, bench);
  t.is(bench.call("kill", bench.id, "KILL").code, 0);
  bench.wait();
  writeOnDisk(place);
  const log = `${bench.folder}/delete.json`;
  const words = ["--root", bench.root, "--log", log, "--log-format", "json", "delete", bench.id];
  const { exited } = Bun.spawn([place.runtime, ...words], { stdio: ["ignore", "ignore", "ignore"] });
  await stopWhileItBringsBack(place);
  t.is(await exited, 0);
  const lines = readFileSync(log, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  t.true(lines.length >= 2);
  for (const { level, msg } of lines) {
    t.is(level, "info", msg);
    t.regex(msg, new RegExp(`^Container ${bench.id}: bringing back what the guest .* of \\d+\\.\\d MiB\\.$`));
  }
  t.is(statSync(`${place.volume}/large`).size, LARGE * MIB);
});
