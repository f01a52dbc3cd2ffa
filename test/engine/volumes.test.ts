import { readFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { childrenOf } from "../proc.ts";
import {
  busyboxImage,
  command,
  createProbe,
  docker,
  endpoint,
  eventually,
  guestConfig,
  httpGet,
  inspect,
  runProbe,
  startProbe,
  succeed,
  uniqueName,
  waitForEnd,
} from "./harness.ts";
import { killEngine, restartEngine } from "./restart-engine.ts";

/** How many machines are killed at a random moment. */
const CYCLES = Number(process.env.UNIKRUN_CYCLES ?? 8);

function makeVolume(t: ExecutionContext): string {
  const name = uniqueName("volume");
  succeed(["docker", "volume", "create", name]);
  t.teardown(() => docker("volume", "rm", "-f", name));
  return name;
}

/** What a program in a runc container sees of a volume. */
function shell(volume: string, script: string): string {
  return succeed(["docker", "run", "--rm", "-v", `${volume}:/v`, busyboxImage(), "sh", "-c", script]);
}

async function addressOf(name: string): Promise<string> {
  const { IPAddress } = endpoint(name);
  await httpGet(`http://${IPAddress}/`);
  return IPAddress;
}

/** Writes a file in the guest; the answer comes when it is on the disk. */
async function put(host: string, path: string, content: string): Promise<number> {
  const url = `http://${host}/file?path=${encodeURIComponent(path)}&sync=1`;
  const options = { method: "PUT", body: content, keepalive: false, signal: AbortSignal.timeout(10_000) };
  return (await fetch(url, options)).status;
}

const get = (host: string, path: string): Promise<string> =>
  httpGet(`http://${host}/file?path=${encodeURIComponent(path)}`);

test("a named volume persists, and runc containers and guests see each other's files", async (t) => {
  const volume = makeVolume(t);
  shell(
    volume,
    "mkdir -p '/v/a folder/empty'; echo from runc > /v/a\\ folder/größe; ln -s a\\ folder /v/link; chmod 640 /v/link/*",
  );
  const options = ["-v", `${volume}:/data`];
  const first = startProbe(t, { options });
  const host = await addressOf(first);
  t.is(await get(host, "/data/a folder/größe"), "from runc\n");
  t.is(await put(host, "/data/a folder/by guest", "from the guest"), 200);
  succeed(["docker", "stop", first]);
  t.is(
    shell(volume, "cat '/v/a folder/by guest'; ls -l '/v/link/größe' | cut -c1-10; ls -d /v/a*/empty"),
    ["from the guest-rw-r-----", "/v/a folder/empty"].join("\n"),
  );
  t.is(docker("diff", first).stdout, "");
  succeed(["docker", "rm", first]);
  const second = startProbe(t, { options });
  t.is(await get(await addressOf(second), "/data/a folder/by guest"), "from the guest");
});

test("what a program wrote and did not sync is there after stop, restart, kill and rm -f", async (t) => {
  const volume = makeVolume(t);
  // As a rump kernel does, it keeps what was written until it is told to sync.
  const name = startProbe(t, { options: ["-v", `${volume}:/data`, "-e", "PROBE_CACHE=1"] });
  const write = async (content: string): Promise<void> => {
    const url = `http://${await addressOf(name)}/file?path=/data/file`;
    const { status } = await fetch(url, { method: "PUT", body: content, keepalive: false });
    t.is(status, 200);
  };
  for (const [content, ...end] of [
    ["one", "stop"],
    ["two", "restart"],
    ["three", "kill", "-s", "INT"],
    ["four", "kill"],
  ] as const) {
    await write(content);
    succeed(["docker", ...end, name]);
    if (end[0] === "kill") waitForEnd(name);
    succeed(["docker", "start", name]);
    t.is(await get(await addressOf(name), "/data/file"), content);
  }
  await write("five");
  succeed(["docker", "rm", "-f", name]);
  t.is(shell(volume, "cat /v/file"), "five");
});

test("of two guests the second is refused the volume for writing, and may read it", async (t) => {
  const volume = makeVolume(t);
  shell(volume, "echo one > /v/file");
  const writer = startProbe(t, { options: ["-v", `${volume}:/data`] });
  await addressOf(writer);
  const refused = runProbe(["http", "80"], ["-v", `${volume}:/data`]);
  t.not(refused.code, 0);
  t.regex(refused.stderr, /the volume \S+ is being written by the guest of container [0-9a-f]{12}: stop/);
  const reader = startProbe(t, { options: ["-v", `${volume}:/data:ro`] });
  const host = await addressOf(reader);
  t.is(await get(host, "/data/file"), "one\n");
  t.not(await put(host, "/data/file", "two"), 200);
  t.is(docker("ps", "-q", "--filter", `name=${writer}`).stdout.trim().length, 12);
});

test("folders of the image, single files and a tmpfs are where they belong", async (t) => {
  const file = `${import.meta.dirname}/volumes.test.ts`;
  const guest = startProbe(t, {
    options: ["-v", `${file}:/conf/some/test.ts:ro`, "--tmpfs", "/scratch:size=8m", "-e", "A=b"],
  });
  const host = await addressOf(guest);
  t.is(await get(host, "/conf/some/test.ts"), readFileSync(file, "utf8"));
  t.is(await put(host, "/scratch/x", "y"), 200);
  t.is(await get(host, "/scratch/x"), "y");
  const { disks } = await guestConfig(host);
  const scratch = disks.find(({ mountpoint }) => mountpoint === "/scratch");
  t.is(scratch?.bytes, 8 << 20);
  t.false(scratch?.readonly);
});

test("a volume in a volume and a tmpfs in it are mounted, and each folder gets what is its own", async (t) => {
  const [outer, inner] = [makeVolume(t), makeVolume(t)];
  const options = ["-v", `${outer}:/data`, "-v", `${inner}:/data/inner`, "--tmpfs", "/data/scratch:size=1m"];
  const guest = startProbe(t, { options });
  const host = await addressOf(guest);
  for (const path of ["/data/file", "/data/inner/file", "/data/scratch/file"])
    t.is(await put(host, path, path), 200, path);
  succeed(["docker", "stop", guest]);
  t.is(shell(outer, "cat /v/file; find /v -type f"), "/data/file/v/file");
  t.is(shell(inner, "cat /v/file"), "/data/inner/file");
});

test("a disk image given as a volume is the guest's disk", async (t) => {
  const image = `${succeed(["mktemp", "-d"])}/disk.ext2`;
  t.teardown(() => command(["rm", "-r", image.slice(0, image.lastIndexOf("/"))]));
  succeed(["mke2fs", "-q", "-t", "ext2", image, "16m"]);
  const guest = startProbe(t, { options: ["-v", `${image}:/data`] });
  const host = await addressOf(guest);
  t.is(await put(host, "/data/file", "on the image"), 200);
  const refused = runProbe(["http", "80"], ["-v", `${image}:/data`]);
  t.regex(refused.stderr, /the disk \S+ is being written by the guest of container [0-9a-f]{12}: stop/);
  docker("kill", guest);
  waitForEnd(guest);
  t.is(succeed(["debugfs", "-R", "cat file", image]), "on the image");
  // It was not unmounted: the next machine gets it repaired.
  const next = startProbe(t, { options: ["-v", `${image}:/data`] });
  t.is(await get(await addressOf(next), "/data/file"), "on the image");
});

test("a configuration of some 40 KiB reaches the guest, and one of 70 KiB is refused", async (t) => {
  const variables = (count: number) =>
    Array.from({ length: count }, (_, i) => ["-e", `V${i}=${"x".repeat(90)}`]).flat();
  const guest = startProbe(t, { args: ["http", "80", "last"], options: variables(400) });
  const { env, argv } = await guestConfig(await addressOf(guest));
  t.is(env.filter((each) => /^V\d+=x{90}$/.test(each)).length, 400);
  t.deepEqual(argv.slice(-2), ["80", "last"]);
  const refused = runProbe(["http", "80"], variables(700));
  t.regex(refused.stderr, /can't be told more than 65535 bytes.*shorten the longest/);
});

test(`what a guest flushed is there after ${CYCLES} kills of VMM, init and engine`, async (t) => {
  const volume = makeVolume(t);
  const known = new Map<string, string>();
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const guest = createProbe(t, { options: ["-v", `${volume}:/data`] });
    await eventually(`start ${cycle}`, () => (docker("start", guest).code === 0 ? true : undefined));
    const host = await addressOf(guest);
    // All of them are looked at in the folder below.
    for (const [path, content] of [...known].slice(-10))
      t.is(await get(host, path), content, `${path} in cycle ${cycle}`);
    const init = Number(inspect(guest, "{{.State.Pid}}"));
    let writing = true;
    const writer = (async () => {
      for (let n = 0; writing; n++) {
        // A few files again and again, and new ones.
        const path = n % 3 === 0 ? `/data/same${n % 2}` : `/data/file${cycle}-${n}`;
        const content = `${cycle} ${n} `.repeat(1 + ((n * 37) % 900));
        try {
          if ((await put(host, path, content)) === 200) known.set(path, content);
          else known.delete(path);
        } catch {
          // Cut off while it wrote: either content may be there.
          known.delete(path);
        }
      }
    })();
    await Bun.sleep(100 + Math.random() * 900);
    const target = ["vmm", "init", "engine", "stop"][cycle % 4];
    if (target === "init") process.kill(init, "SIGKILL");
    if (target === "vmm") for (const child of childrenOf(init)) process.kill(child, "SIGKILL");
    if (target === "engine") await killEngine();
    if (target === "stop") docker("stop", guest);
    writing = false;
    await writer;
    if (target === "engine") await restartEngine();
    docker("stop", "-t", "1", guest);
    await eventually("the end", () => (inspect(guest, "{{.State.Running}}") === "false" ? true : undefined));
    succeed(["docker", "rm", "-f", guest]);
    const folder = folderOf(volume);
    for (const [path, content] of known) {
      const there = readFileSync(path.replace("/data", folder), "utf8");
      t.is(there, content, `${path} in the folder after cycle ${cycle} (${target})`);
    }
  }
  t.true(known.size > CYCLES);
});

const folderOf = (volume: string): string => inspect(volume, "{{.Mountpoint}}");

test("a volume's disk goes when the volume has gone", async (t) => {
  const volume = makeVolume(t);
  const guest = startProbe(t, { options: ["-v", `${volume}:/data`] });
  await put(await addressOf(guest), "/data/x", "y");
  succeed(["docker", "rm", "-f", guest]);
  const disks = () => succeed(["sh", "-c", "grep -l pending /var/lib/unikrun/volumes/*/volume.json | wc -l"]);
  const before = Number(disks());
  succeed(["docker", "volume", "rm", volume]);
  const other = makeVolume(t);
  const next = startProbe(t, { options: ["-v", `${other}:/data`] });
  await addressOf(next);
  succeed(["docker", "rm", "-f", next]);
  t.is(Number(disks()), before);
});

test("limits of the program (--ulimit, default-ulimits) break neither the VMM nor its disks, and the guest ends with its own code", async (t) => {
  const volume = makeVolume(t);
  const limits = [
    "fsize=1",
    "nofile=16:16",
    "memlock=0",
    "stack=65536",
    "data=1048576",
    "cpu=1",
    "nproc=1",
    "core=0",
  ];
  const ulimits = limits.flatMap((each) => ["--ulimit", each]);
  t.is(runProbe(["return", "7"], ulimits).code, 7);
  const name = startProbe(t, { options: [...ulimits, "-v", `${volume}:/data`] });
  const host = await addressOf(name);
  const content = "written in spite of limits\n".repeat(10_000);
  t.is(await put(host, "/data/file", content), 200);
  succeed(["docker", "stop", name]);
  t.is(inspect(name, "{{.State.ExitCode}}"), "143");
  t.is(shell(volume, "cat /v/file"), content.trim());
  t.is(docker("logs", name).stderr, "");
});
