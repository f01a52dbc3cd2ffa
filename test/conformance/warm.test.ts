/** Warm starts: which containers go on from a guest that was kept, and which boot. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import test, { type ExecutionContext } from "ava";
import { reapAll } from "../bench/reap.ts";
import { run } from "../network/netns.ts";
import { ask } from "./ask.ts";
import { type Bench, type Config, leftovers, makeBench, placeInNetwork, start } from "./harness.ts";
import { privateHost } from "./private-host.ts";

const PORT = "80";
/** Of its own, should another run be under way, or have been killed. */
const SUBNET = `10.214.${process.pid % 256}`;
const ADDRESS = `${SUBNET}.2`;
const OTHER = `${SUBNET}.3`;

/** A bench whose guests can be kept, in a store of its own, at an address of a network with this host. */
async function warmBench(t: ExecutionContext, settings: object = {}) {
  const network = makeNetwork(t);
  const host = await privateHost();
  t.teardown(() => host[Symbol.dispose]());
  const store = `${host.folder}/store`;
  host.configure({ accelerator: "tcg", store, ...settings });
  const bench = makeBench(["http", PORT], {}, host.runtime);
  t.teardown(() => bench[Symbol.dispose]());
  bench.configure((config) => Object.assign(config, { annotations: { "org.unikrun.warm": PORT } }));
  placeInNetwork(bench, network);
  return { ...bench, store, runtime: host.runtime, [Symbol.dispose]: () => {} };
}

type WarmBench = Awaited<ReturnType<typeof warmBench>>;

function makeNetwork(t: ExecutionContext): string {
  const [name, end] = [`ukwarm-${process.pid}`, `ukw${process.pid}`];
  run(`ip netns add ${name}`);
  t.teardown(() => run(`ip netns del ${name}`));
  run(`ip link add ${end} type veth peer name eth0 netns ${name}`);
  t.teardown(() => run(`ip link del ${end}`));
  run(`ip addr add ${SUBNET}.1/24 dev ${end}`);
  run(`ip link set ${end} up`);
  run(`ip -n ${name} link set eth0 up`);
  run(`ip -n ${name} addr add ${ADDRESS}/24 dev eth0`);
  run(`ip -n ${name} route add default via ${SUBNET}.1`);
  return `/run/netns/${name}`;
}

function moveTo(address: string, from: string, mac: string): void {
  const name = `ukwarm-${process.pid}`;
  run(`ip -n ${name} addr del ${from}/24 dev eth0`);
  run(`ip -n ${name} link set eth0 address ${mac}`);
  run(`ip -n ${name} addr add ${address}/24 dev eth0`);
  run(`ip -n ${name} route replace default via ${SUBNET}.1`);
}

function end(t: ExecutionContext, bench: Bench): void {
  t.is(bench.call("kill", bench.id, "KILL").code, 0);
  // What was in the container's process namespace may have been left to us, and its init waits for the end of that.
  while (existsSync(`/proc/${bench.pid()}`)) {
    reapAll();
    Bun.sleepSync(2);
  }
  t.is(bench.call("delete", bench.id).code, 0);
}

const get = async (path = "/", address = ADDRESS): Promise<string> =>
  (await ask(`http://${address}${path}`)).text();

/** How many requests a guest has had, this one among them; it is in its memory. */
async function requests(): Promise<number> {
  const text = await get();
  return Number(/requests: (\d+)/.exec(text)?.[1] ?? text);
}

const isDraft = (name: string): boolean => name.endsWith(".new");

const templates = (bench: WarmBench): string[] =>
  existsSync(`${bench.store}/warm`)
    ? readdirSync(`${bench.store}/warm`).filter((name) => !isDraft(name))
    : [];

/** Waits for so many templates. */
async function kept(t: ExecutionContext, bench: WarmBench, count = 1): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (templates(bench).length !== count && Date.now() < deadline) await Bun.sleep(20);
  t.is(templates(bench).length, count);
}

/** Keeps a guest that has had three requests, and takes its container away. */
async function keepThird(t: ExecutionContext, bench: WarmBench): Promise<void> {
  start(t, bench);
  await kept(t, bench);
  t.is(bench.call("templates", "--remove").code, 0);
  t.deepEqual(templates(bench), []);
  for (let count = 1; count <= 3; count++) t.is(await requests(), count);
  const { code, log } = bench.call("templates", "--keep", bench.id);
  t.is(code, 0, log.at(-1)?.msg);
  t.is(await requests(), 4, "it goes on");
  t.is(templates(bench).length, 1);
  end(t, bench);
}

test.serial(
  "the traces tell when a guest listened and was kept, and that another goes on from there",
  async (t) => {
    const bench = await warmBench(t);
    start(t, bench);
    await kept(t, bench);
    const stepsOf = (): string[] =>
      JSON.parse(bench.call("trace", "--json", bench.id).stdout).lines.map(
        ({ what }: { what: string }) => what,
      );
    for (const deadline = Date.now() + 20_000; !stepsOf().includes("kept") && Date.now() < deadline; )
      await Bun.sleep(20);
    t.true(stepsOf().indexOf("listens") < stepsOf().indexOf("kept"), stepsOf().join(" "));
    t.regex(bench.call("trace", bench.id).stdout, /waited until the guest listens on port 80$/m);
    end(t, bench);
    start(t, bench);
    t.regex(bench.call("trace", bench.id).stdout, /looked for a template: goes on from one$/m);
    t.true(stepsOf().includes("loaded"));
    t.true(stepsOf().includes("let-go"));
    end(t, bench);
  },
);

test.serial("a container of the same kind goes on where a guest stood when it was kept", async (t) => {
  const bench = await warmBench(t);
  await keepThird(t, bench);
  for (let round = 0; round < 2; round++) {
    start(t, bench);
    t.is(await requests(), 4);
    t.is(await requests(), 5);
    t.notRegex(bench.output(), /main\(\)/, "it has not booted");
    end(t, bench);
  }
  t.deepEqual(leftovers(bench), []);
});

/** It boots: its guest has had no request yet. */
async function boots(t: ExecutionContext, bench: WarmBench, what: string): Promise<void> {
  start(t, bench);
  t.is(await requests(), 1, what);
  t.regex(bench.output(), /main\(\)/, what);
  end(t, bench);
}

async function goesOn(t: ExecutionContext, bench: WarmBench, what: string): Promise<void> {
  start(t, bench);
  t.is(await requests(), 4, what);
  end(t, bench);
}

const remarks = (bench: Bench): string => readFileSync(`${bench.folder}/output.errors`, "utf8");

test.serial(
  "a kernel that can't be told who it is goes on where it is what it was, and boots elsewhere",
  async (t) => {
    const bench = await warmBench(t);
    const kernel = readFileSync(`${bench.rootfs}/probe.bin`, "latin1");
    writeFileSync(
      `${bench.rootfs}/probe.bin`,
      kernel.replaceAll("RUMPRUN_SYSPROXY", "RUMPRUN_NO_PROXY"),
      "latin1",
    );
    await keepThird(t, bench);
    await goesOn(t, bench, "the same");
    bench.configure((config) => {
      config.hostname = "another";
    });
    await boots(t, bench, "its name");
    const told = /can't be told another address or name .* of the guest that was kept\n$/;
    t.regex(remarks(bench), told);
    bench.configure((config) => {
      config.hostname = "tested";
    });
    moveTo(OTHER, ADDRESS, "02:42:0a:d6:00:03");
    start(t, bench);
    t.regex(await get("/", OTHER), /requests: 1\n/);
    t.regex(remarks(bench), told);
    end(t, bench);
  },
);

test.serial(
  "a container that differs in what its guest could see boots, and one that is another goes on as itself",
  async (t) => {
    const bench = await warmBench(t);
    mkdirSync(`${bench.rootfs}/data`);
    writeFileSync(`${bench.rootfs}/data/page`, "one");
    const names = ["hosts", "hostname"].map((name) => ({
      destination: `/etc/${name}`,
      source: `${bench.folder}/${name}`,
      type: "bind",
      options: ["rbind"],
    }));
    const call = (name: string, address = ADDRESS): void => {
      writeFileSync(`${bench.folder}/hostname`, `${name}\n`);
      writeFileSync(`${bench.folder}/hosts`, `127.0.0.1\tlocalhost\n${address}\t${name}\n`);
      bench.configure((config) => {
        config.hostname = name;
        config.process.env = ["PATH=/bin", `HOSTNAME=${name}`];
      });
    };
    bench.configure((config) => Object.assign(config, { mounts: names }));
    call("one");
    await keepThird(t, bench);
    const MAC = "02:42:0a:d6:00:03";
    call("two", OTHER);
    moveTo(OTHER, ADDRESS, MAC);
    start(t, bench);
    const home = await get("/", OTHER);
    t.regex(home, /hostname: two\n[\s\S]*requests: 4\n/, "it goes on as itself");
    t.is(JSON.parse(await get("/config", OTHER)).nics[0].mac, MAC);
    end(t, bench);
    moveTo(ADDRESS, OTHER, "02:42:0a:d6:00:02");
    call("one");
    await goesOn(t, bench, "nothing: its engine has only written the same again");
    const change = async (what: string, config: (config: Config) => void, back: (config: Config) => void) => {
      bench.configure(config);
      await boots(t, bench, what);
      bench.configure(back);
    };
    await change(
      "its environment",
      ({ process }) => void process.env.push("A=1"),
      ({ process }) => void process.env.pop(),
    );
    await change(
      "its arguments",
      ({ process }) => void process.args.push("more"),
      ({ process }) => void process.args.pop(),
    );
    await change(
      "its memory",
      ({ annotations }) => Object.assign(annotations ?? {}, { "org.unikrun.memory": "65" }),
      ({ annotations }) => Object.assign(annotations ?? {}, { "org.unikrun.memory": "64" }),
    );
    writeFileSync(`${bench.folder}/hosts`, "127.0.0.1\tlocalhost\n10.214.0.9\tanother\n");
    await boots(t, bench, "the host that it knows of");
    call("one");
    writeFileSync(`${bench.rootfs}/data/page`, "two");
    await boots(t, bench, "a file of the image");
    run(`ip -n ukwarm-${process.pid} route replace default via ${SUBNET}.9`);
    await boots(t, bench, "its gateway");
    t.is(remarks(bench), "", "none of it is worth a word");
  },
);

test.serial("what a guest has for itself alone is said in its log, and it boots", async (t) => {
  const bench = await warmBench(t);
  const volume = { destination: "/v", source: `${bench.folder}/volume`, type: "bind", options: ["rbind"] };
  mkdirSync(volume.source);
  bench.configure((config) => Object.assign(config, { mounts: [volume] }));
  await boots(t, bench, "a volume");
  t.regex(
    remarks(bench),
    /^unikrun: this guest boots, .*it has a volume for writing at \/v, which is its own\n$/,
  );
  t.is(bench.call("volumes", "--store", bench.store).code, 0);
  bench.configure((config) => Object.assign(config, { mounts: [] }));
  run(`ip -n ukwarm-${process.pid} addr add fd14::2/64 dev eth0 nodad`);
  await boots(t, bench, "IPv6");
  t.regex(remarks(bench), /can be told one IPv4 address, and it has others/);
  t.deepEqual(templates(bench), []);
});

test.serial(
  "a template that is damaged is removed, and the container boots; one that QEMU does not take ends the start",
  async (t) => {
    const bench = await warmBench(t);
    await keepThird(t, bench);
    const folder = () => `${bench.store}/warm/${templates(bench)[0]}`;
    t.is(statSync(`${bench.store}/warm`).mode & 0o777, 0o700);
    t.is(statSync(folder()).mode & 0o777, 0o700);
    const damage = async (what: string, how: () => void) => {
      how();
      await boots(t, bench, what);
      t.regex(remarks(bench), /its template \S+ was damaged \(.+\) and is removed\n$/, what);
      bench.call("templates", "--remove");
      start(t, bench);
      await kept(t, bench);
      end(t, bench);
    };
    await damage("its memory", () => truncateSync(`${folder()}/memory`, 4096));
    await damage("its description", () => writeFileSync(`${folder()}/template.json`, "{"));
    await damage("a file", () => rmSync(`${folder()}/state`));
    const { size } = statSync(`${folder()}/state`);
    writeFileSync(`${folder()}/state`, Buffer.alloc(size, 7));
    t.is(bench.call("create").code, 0);
    const { code, log } = bench.call("start", bench.id);
    t.is(code, 1);
    t.regex(
      log.at(-1)?.msg ?? "",
      /can't go on from the template \S+ \(.*\), which is removed: start it again/,
    );
    t.is(bench.call("delete", "--force", bench.id).code, 0);
    t.deepEqual(templates(bench), []);
    await boots(t, bench, "the next");
  },
);

test.serial(
  "templates take as much room as the host gives them, and a container that ends leaves none half made",
  async (t) => {
    const bench = await warmBench(t, { warmSize: 1 });
    mkdirSync(`${bench.rootfs}/data`);
    writeFileSync(`${bench.rootfs}/data/large`, Buffer.alloc(3 << 19, "large"));
    start(t, bench);
    t.is(await requests(), 1);
    await settled(bench);
    const { code, log } = bench.call("templates", "--keep", bench.id);
    t.is(code, 1);
    t.regex(log.at(-1)?.msg ?? "", /its disks take \d+ bytes, and templates may take 1048576 \("warmSize"\)/);
    t.is(await requests(), 2, "it goes on");
    end(t, bench);
    rmSync(`${bench.rootfs}/data`, { recursive: true });
    for (let round = 0; round < 3; round++) {
      start(t, bench);
      await Bun.sleep(20 * round);
      end(t, bench);
    }
    await settled(bench);
    t.deepEqual(leftovers(bench), []);
    t.deepEqual(readdirSync(`${bench.store}/warm`).filter(isDraft), []);
  },
);

/** Waits until nobody keeps a guest of the bench any more. */
async function settled(bench: WarmBench): Promise<void> {
  const deadline = Date.now() + 60_000;
  const isBusy = () => !existsSync(`${bench.store}/warm`) || readdirSync(`${bench.store}/warm`).some(isDraft);
  while (isBusy() && Date.now() < deadline) await Bun.sleep(20);
}

test.serial("its disks are as they stood, for each anew", async (t) => {
  const bench = await warmBench(t);
  mkdirSync(`${bench.rootfs}/data`);
  writeFileSync(`${bench.rootfs}/data/large`, Buffer.alloc(6 << 20, "large"));
  const scratch = { destination: "/t", type: "tmpfs", options: ["size=4m"] };
  bench.configure((config) => Object.assign(config, { mounts: [scratch] }));
  const url = `http://${ADDRESS}/file?path=/t/note`;
  const write = async (text: string) => {
    const answer = await ask(url, { method: "PUT", body: text });
    t.regex(await answer.text(), /^wrote/);
  };
  start(t, bench);
  await kept(t, bench);
  t.is(bench.call("templates", "--remove").code, 0);
  await write("of the first");
  t.is(bench.call("templates", "--keep", bench.id).code, 0);
  end(t, bench);
  const [name] = templates(bench);
  t.is(statSync(`${bench.store}/warm/${name}/disk-0`).nlink, 2, "it is in the store already");
  for (let round = 0; round < 2; round++) {
    start(t, bench);
    t.is(await get("/file?path=/t/note"), "of the first");
    t.is(await get("/file?path=/data/large&offset=6291450&length=5"), "large".slice(0, 5));
    await write("of another");
    t.is(await get("/file?path=/t/note"), "of another");
    end(t, bench);
  }
});

test.serial("a guest whose keeper is killed goes on, and the next keeps it", async (t) => {
  const bench = await warmBench(t);
  start(t, bench);
  await kept(t, bench);
  for (let round = 0; round < 5; round++) {
    t.is(bench.call("templates", "--remove").code, 0);
    const keeper = Bun.spawn([bench.runtime, "--root", bench.root, "templates", "--keep", bench.id]);
    await Bun.sleep(15 + 8 * round);
    keeper.kill("SIGKILL");
    await keeper.exited;
    t.is(await requests(), round + 1);
  }
  t.is(bench.call("templates", "--keep", bench.id).code, 0);
  t.is(templates(bench).length, 1);
  t.deepEqual(readdirSync(`${bench.store}/warm`).filter(isDraft), []);
  end(t, bench);
});
