/** docker checkpoint, and docker start --checkpoint. */
import { readFileSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import test, { type ExecutionContext } from "ava";
import { makeBench, placeInNetwork } from "../conformance/harness.ts";
import {
  askForEnd,
  COUNTED,
  docker,
  endpoint,
  engine,
  eventually,
  httpGet,
  inspect,
  makeNetns,
  makeNetwork,
  startNeighbour,
  startProbe,
  succeed,
  uniqueName,
  waitForEnd,
} from "./harness.ts";
import { mustEnd, onTerminal } from "./table/answers.ts";

interface Place {
  readonly options: readonly string[];
  address(name: string): string;
}

/**
 * From Docker 26 on dockerd asks for the process's network namespace before a restore has made one (containerd issue 12141), with any
 * runtime; in another container's network it does not.
 */
function makePlace(t: ExecutionContext, network = "bridge"): Place {
  if (engine === "20")
    return { options: ["--network", network], address: (name) => endpoint(name, network).IPAddress };
  const holder = startNeighbour(t, network, "sleep 1000");
  return {
    options: ["--network", `container:${holder}`],
    address: () => endpoint(holder, network).IPAddress,
  };
}

/** The probe counts its requests in memory, and /via adds 1 to a number in a file of the volume. */
function startCounter(t: ExecutionContext) {
  const volume = uniqueName("volume");
  t.teardown(() => docker("volume", "rm", "-f", volume));
  const { options, address } = makePlace(t);
  const name = startProbe(t, {
    options: ["-v", `${volume}:/data`, "-e", "PROBE_COUNTER=/data/count", ...options],
  });
  const ask = async (page: string, answer: RegExp) =>
    Number(answer.exec(await httpGet(`http://${address(name)}/${page}`, COUNTED))?.[1]);
  return {
    name,
    folder: inspect(volume, "{{.Mountpoint}}"),
    url: () => `http://${address(name)}`,
    requests: () => ask("", /requests: (\d+)/),
    count: () => ask("via", /counter (\d+)/),
  };
}

const isEnded = (name: string) =>
  eventually("the end", () => inspect(name, "{{.State.Running}}") === "false" || undefined);

/** Docker refuses what it has not yet cleaned away since the checkpoint was made ("already exists"): it is asked again then. Returns why not. */
const startFrom = (name: string, checkpoint: string) =>
  eventually("the restore", () => {
    const { code, stderr } = docker("start", "--checkpoint", checkpoint, name);
    if (code !== 0 && !stderr.includes("already exists")) return stderr;
    return code === 0 ? "" : undefined;
  });

test.serial("a guest that counts, in memory and on a volume, goes on 20 times of 20", async (t) => {
  const { name, folder, requests, count } = startCounter(t);
  t.is(await requests(), 1);
  for (let round = 1; round <= 20; round++) {
    t.is(await count(), round);
    succeed(["docker", "checkpoint", "create", name, `c${round}`]);
    await isEnded(name);
    t.is(inspect(name, "{{.State.ExitCode}}"), "137");
    t.is(await startFrom(name, `c${round}`), "");
    // Each round asks twice.
    t.is(await requests(), 2 * round + 1, `round ${round}`);
  }
  succeed(["docker", "stop", name]);
  await eventually("the volume", () => readFileSync(`${folder}/count`, "utf8").trim() === "20" || undefined);
  t.is(inspect(name, "{{.State.ExitCode}}"), "143");
});

test.serial("a checkpoint that leaves the guest running can be gone back to, and removed", async (t) => {
  const { name, url, requests } = startCounter(t);
  await requests();
  succeed(["docker", "checkpoint", "create", "--leave-running", name, "kept"]);
  t.is(await requests(), 2);
  for (let round = 0; round < 2; round++) {
    succeed(["docker", "stop", name]);
    t.is(await startFrom(name, "kept"), "");
    t.is(await requests(), 2);
  }
  succeed(["docker", "checkpoint", "rm", name, "kept"]);
  t.is(succeed(["docker", "checkpoint", "ls", name]).split("\n").length, 1);
  await askForEnd(`${url()}/exit?code=9`);
  await isEnded(name);
  t.is(inspect(name, "{{.State.ExitCode}}"), "9", "its end is still understood");
});

test.serial("a published port leads to the guest again, and a terminal is the guest's again", async (t) => {
  const { options } = makePlace(t);
  // In another container's network there is none to publish.
  const port = engine === "20" ? ["-p", "127.0.0.1::80"] : [];
  const web = startProbe(t, { options: [...options, ...port] });
  const page = () => httpGet(`http://${succeed(["docker", "port", web, "80"])}/`, COUNTED);
  // docker-proxy takes requests before the guest does.
  const listens = () => docker("exec", web, "unikrun", "tcp", "80").code === 0 || undefined;
  await eventually("the guest", listens);
  if (engine === "20") t.regex(await page(), /requests: 1$/m);
  const name = startProbe(t, { args: ["cat"], options: ["-it", ...makePlace(t).options] });
  await eventually("the program", () => docker("logs", name).stdout.includes("main()") || undefined);
  for (const each of [web, name]) {
    succeed(["docker", "checkpoint", "create", each, "open"]);
    await isEnded(each);
    t.is(await startFrom(each, "open"), "");
  }
  if (engine === "20") t.regex(await page(), /requests: 2$/m);
  const { code, shown } = await onTerminal(`sh -c 'echo ready; exec docker attach ${name}'`, [
    [/ready/, "again\r"],
    [/again[\s\S]*\nagain/, "quit\r"],
  ]);
  t.is(code, 0, shown);
  t.is(waitForEnd(name), 0);
});

test.serial("names are looked up by the engine's name server again", async (t) => {
  const network = makeNetwork(t);
  const neighbour = startNeighbour(t, network, "sleep 1000");
  const { options, address } = makePlace(t, network);
  const name = startProbe(t, { options });
  const found = async () => (await httpGet(`http://${address(name)}/dns?name=${neighbour}`)).trim();
  const wanted = endpoint(neighbour, network).IPAddress;
  t.is(await found(), wanted);
  succeed(["docker", "checkpoint", "create", name, "names"]);
  await isEnded(name);
  t.is(await startFrom(name, "names"), "");
  t.is(await found(), wanted);
});

test.serial("an open TCP connection goes on", async (t) => {
  const { options, address } = makePlace(t);
  const name = startProbe(t, { args: ["tcp", "7"], options });
  const socket = await eventually("the server", () => open(address(name)));
  t.teardown(() => socket.destroy());
  let heard = "";
  socket.on("data", (data) => {
    heard += data;
  });
  socket.write("before ");
  await eventually("the echo", () => heard === "before " || undefined);
  succeed(["docker", "checkpoint", "create", name, "open"]);
  await isEnded(name);
  t.is(await startFrom(name, "open"), "");
  socket.write("after");
  await eventually("the echo", () => heard === "before after" || undefined);
  t.pass();
});

for (const family of [4, 6] as const)
  test.serial(
    `an interface with another MAC address takes the guest's, and the neighbours learn it by IPv${family}`,
    async (t) => {
      const { netns, address } = makeNetns(t, family);
      const host = family === 4 ? address : `[${address}]`;
      const ip = ["ip", `-${family}`];
      using bench = makeBench(["http", "80"]);
      placeInNetwork(bench, netns);
      mustEnd(bench.call("create"), 0);
      mustEnd(bench.call("start", bench.id), 0);
      t.regex(await httpGet(`http://${host}/`, COUNTED), /requests: 1$/m);
      const image = `${bench.folder}/image`;
      mustEnd(bench.call("checkpoint", "--image-path", image, bench.id), 0);
      mustEnd(bench.call("delete", bench.id), 0);
      const inside = [...ip, "-n", netns.replace(/^.*\//, "")];
      const before = succeed([...inside, "-br", "link", "show", "eth0"]);
      succeed([...inside, "link", "set", "eth0", "address", "02:00:00:00:00:99"]);
      const known = () => succeed([...ip, "neighbour", "show", address]);
      succeed([...ip, "neighbour", "flush", address]);
      succeed(["busybox", "ping", "-c", "1", "-W", "5", address]);
      t.regex(known(), /02:00:00:00:00:99/);
      const restore = () =>
        bench.call("restore", "--detach", "--image-path", image, "--bundle", bench.bundle, bench.id);
      const gateway = address.replace(/2$/, "1");
      for (const [other, back, words] of [
        [
          "link set eth0 mtu 1400",
          "link set eth0 mtu 1500",
          /has the MTU 1500, and its container has 1400 now/,
        ],
        [
          "route del default",
          `route add default via ${gateway}`,
          /has the gateway \S+, and its container has none now/,
        ],
      ] as const) {
        succeed([...inside, ...other.split(" ")]);
        const { code, log } = restore();
        t.is(code, 1);
        t.regex(log.at(-1)?.msg ?? "", words);
        succeed([...inside, ...back.split(" ")]);
      }
      mustEnd(restore(), 0);
      t.is(succeed([...inside, "-br", "link", "show", "eth0"]), before);
      const [mac = "none"] = before.match(/([0-9a-f]{2}:){5}[0-9a-f]{2}/) ?? [];
      t.true(known().includes(mac), known());
      t.regex(await httpGet(`http://${host}/`, COUNTED), /requests: 2$/m);
    },
  );

test.serial("what others changed in the volume since is not lost: the restore is refused", async (t) => {
  const { name, folder, count } = startCounter(t);
  t.is(await count(), 1);
  succeed(["docker", "checkpoint", "create", name, "old"]);
  await isEnded(name);
  await eventually("the volume", () => readFileSync(`${folder}/count`, "utf8").trim() === "1" || undefined);
  writeFileSync(`${folder}/new`, "of somebody else");
  t.regex(await startFrom(name, "old"), /the volume \S+ has changed since the checkpoint/);
  t.is(readFileSync(`${folder}/new`, "utf8"), "of somebody else");
  succeed(["docker", "start", name]);
  t.is(await count(), 2);
});

/** A connection to the echo server, once it answers. */
function open(host: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port: 7 });
    socket.once("connect", () => resolve(socket));
    socket.once("error", () => resolve(undefined));
  });
}
