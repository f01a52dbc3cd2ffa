/** The build before is replaced by this one on a host with guests, and then taken away. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { docker, eventually, inspect, probeImage, succeed, uniqueName } from "../engine/harness.ts";
import { killEngine, restartEngine } from "../engine/restart-engine.ts";
import { changesSince, forget, install, older, register, released, settings, take, traces } from "./host.ts";

const DOCKER = "/etc/docker/daemon.json";
/** In its owner's hand. */
const SETTINGS = '{\n    "log-level" : "warn",\n  "labels": [ "a=b" ]   }\n\n';

/** Of a volume that is a folder of the host's. */
const FOLDER = "/srv/volume";

/** A host with a file for Docker and that package; returns what /etc held before the engines were told. */
async function prepare(t: ExecutionContext, file: string): Promise<string[]> {
  writeFileSync(DOCKER, SETTINGS);
  t.teardown(() => succeed(["rm", DOCKER]));
  t.teardown(forget);
  // What it depends on has files there, too.
  install(file);
  const before = settings();
  await register();
  return before;
}

interface Guest {
  readonly name: string;
  get(path: string): Promise<string>;
  put(path: string, text: string): Promise<string>;
}

function start(...options: readonly string[]): Guest {
  const name = uniqueName("guest");
  succeed([
    "docker",
    "run",
    "-d",
    "--runtime=unikrun",
    "--name",
    name,
    ...options,
    probeImage(),
    "http",
    "80",
  ]);
  const ask = (path: string, ...more: readonly string[]): Promise<string> =>
    eventually(`${name}${path}`, () =>
      succeed([
        "curl",
        "-sSf",
        "-m",
        "20",
        ...more,
        `http://${inspect(name, "{{.NetworkSettings.IPAddress}}")}${path}`,
      ]),
    );
  return {
    name,
    get: (path) => ask(path),
    put: (path, text) => ask(path, "-X", "PUT", "--data-binary", text),
  };
}

const version = (): string | undefined => succeed(["dpkg-query", "-W", "unikrun"]).split("\t")[1];

test.serial(
  "guests of the build before go on under this one, in everything that is done with them",
  async (t) => {
    const before = await prepare(t, older);
    t.is(version(), "0.0.9");
    const kept = start("-v", "kept:/data", "--restart", "unless-stopped");
    const forced = start("-v", "forced:/data");
    await kept.put("/file?path=/data/file", "before");
    await forced.put("/file?path=/data/file", "forced");
    const pid = inspect(kept.name, "{{.State.Pid}}");

    install(released);
    t.not(version(), "0.0.9");
    t.is(inspect(kept.name, "{{.State.Pid}}"), pid);
    t.is(await kept.get("/file?path=/data/file"), "before");
    t.regex(succeed(["docker", "exec", kept.name, "unikrun", "status"]), /rumprun/);
    t.is(docker("rm", "-f", forced.name).code, 0);
    t.is(docker("stop", kept.name).code, 0);
    t.is(inspect(kept.name, "{{.State.ExitCode}}"), "143");
    succeed(["docker", "start", kept.name]);
    t.is(await kept.get("/file?path=/data/file"), "before");
    await kept.put("/file?path=/data/more", "after");
    succeed(["sh", "-c", `kill -9 ${inspect(kept.name, "{{.State.Pid}}")}`]);
    await eventually("the restart", () => inspect(kept.name, "{{.RestartCount}}") === "1" || undefined);
    t.is(await kept.get("/file?path=/data/more"), "after");
    t.is(docker("rm", "-f", kept.name).code, 0);

    const inVolume = (volume: string, file: string): string =>
      readFileSync(`${inspect(volume, "{{.Mountpoint}}")}/${file}`, "utf8");
    t.is(inVolume("kept", "file"), "before");
    t.is(inVolume("kept", "more"), "after");
    t.is(inVolume("forced", "file"), "forced");
    succeed(["docker", "volume", "rm", "kept", "forced"]);
    succeed(["unikrun", "uninstall"]);
    t.deepEqual(changesSince(before), []);
    const { code, said } = take("purge");
    t.is(code, 0, said);
    t.deepEqual(changesSince(before), []);
    t.deepEqual(traces(), []);
  },
);

test.serial(
  "a removal waits for guests, says what still names it, and keeps what is in no volume yet",
  async (t) => {
    const before = await prepare(t, released);
    mkdirSync(FOLDER);
    t.teardown(() => succeed(["rm", "-r", FOLDER]));
    succeed(["mount", "--bind", FOLDER, FOLDER]);
    t.teardown(() => succeed(["umount", FOLDER]));
    const { name, get, put } = start("-v", `${FOLDER}:/data`);
    await put("/file?path=/data/file", "written");

    const refusal = take("remove");
    t.not(refusal.code, 0);
    t.regex(refusal.said, new RegExp(`^${name} +running`, "m"));
    t.regex(refusal.said, /^unikrun: these guests need it to be stopped: remove their containers/m);
    t.regex(await get("/"), /probe/);

    succeed(["mount", "-o", "remount,bind,ro", FOLDER]);
    t.is(docker("rm", "-f", name).code, 0);
    t.false(existsSync(`${FOLDER}/file`));
    const { code, said } = take("purge");
    t.is(code, 0, said);
    t.regex(
      said,
      /^unikrun: \/etc\/docker\/daemon\.json still names \/usr\/bin\/unikrun: its engine starts all the same/m,
    );
    t.regex(
      said,
      /^unikrun: \/var\/lib\/unikrun\/volumes\/[0-9a-f]+\/ is kept, since what a guest wrote is there alone/m,
    );
    await killEngine();
    await restartEngine();
    const { stderr } = docker("run", "--rm", "--runtime=unikrun", probeImage(), "http", "80");
    t.regex(stderr, /\/usr\/bin\/unikrun.*no such file/);

    install(released);
    succeed(["mount", "-o", "remount,bind,rw", FOLDER]);
    succeed(["unikrun", "volumes"]);
    t.is(readFileSync(`${FOLDER}/file`, "utf8"), "written");
    succeed(["unikrun", "uninstall"]);
    t.deepEqual(changesSince(before), []);
  },
);
