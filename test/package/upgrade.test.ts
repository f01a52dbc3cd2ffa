/** The build before is replaced by this one on a host with guests, and then taken away. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { docker, eventually, inspect, probeImage, succeed, uniqueName } from "../engine/harness.ts";
import { killEngine, restartEngine } from "../engine/restart-engine.ts";
import { forget, install, older, released, reloadDocker, settings, take, traces } from "./host.ts";

const DOCKER = "/etc/docker/daemon.json";
const SETTINGS = '{\n    "log-level" : "warn",\n  "labels": [ "a=b" ]   }\n\n';

/** A host whose engines have files of their own, in their owner's hand, and the package of `file`; returns what /etc held before. */
async function prepare(t: ExecutionContext, file: string): Promise<string> {
  t.teardown(forget);
  // What it depends on comes first.
  install(file);
  writeFileSync(DOCKER, SETTINGS);
  t.teardown(() => succeed(["rm", DOCKER]));
  const before = settings();
  succeed(["unikrun", "install"]);
  await reloadDocker(true);
  return before;
}

interface Guest {
  readonly name: string;
  get(path: string): Promise<string>;
  put(path: string, text: string): Promise<string>;
}

function start(...options: readonly string[]): Guest {
  const name = uniqueName("guest");
  succeed(["docker", "run", "-d", "--runtime=unikrun", "--name", name, ...options, probeImage(), "http", "80"]);
  const ask = (path: string, ...more: readonly string[]): Promise<string> =>
    eventually(`${name}${path}`, () =>
      succeed(["curl", "-sSf", "-m", "20", ...more, `http://${inspect(name, "{{.NetworkSettings.IPAddress}}")}${path}`]),
    );
  return { name, get: (path) => ask(path), put: (path, text) => ask(path, "-X", "PUT", "--data-binary", text) };
}

const version = (): string => succeed(["dpkg-query", "-W", "-f", "${Version}", "unikrun"]);

test.serial("guests of the build before go on under this one, in everything that is done with them", async (t) => {
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
  t.is(settings(), before);
  const { code, said } = take("purge");
  t.is(code, 0, said);
  t.is(settings(), before);
  await reloadDocker(false);
  t.deepEqual(traces(), []);
});

test.serial("the package stays while a guest needs it, and names it", async (t) => {
  await prepare(t, released);
  const { name, get } = start();
  const { code, said } = take("remove");
  t.not(code, 0);
  t.regex(said, new RegExp(`^${name} +running`, "m"));
  t.regex(said, /^unikrun: these guests need it to be stopped: remove their containers/m);
  t.regex(await get("/"), /probe/);
  t.is(docker("stop", name).code, 0);
  t.is(take("remove").code, 0);
});

test.serial("removed while Docker's file names it, it says so; dockerd starts, and tells why a container does not", async (t) => {
  const before = await prepare(t, released);
  const { code, said } = take("purge");
  t.is(code, 0, said);
  t.regex(said, /^unikrun: \/etc\/docker\/daemon\.json still names \/usr\/bin\/unikrun: its engine starts all the same/m);
  await killEngine();
  await restartEngine();
  t.regex(docker("run", "--rm", "--runtime=unikrun", probeImage(), "http", "80").stderr, /\/usr\/bin\/unikrun.*no such file/);
  install(released);
  succeed(["unikrun", "uninstall"]);
  t.is(settings(), before);
});

test.serial("what could not be brought into a volume outlives a purge, and comes back with the package", async (t) => {
  await prepare(t, released);
  const folder = "/srv/volume";
  mkdirSync(folder);
  t.teardown(() => succeed(["rm", "-r", folder]));
  succeed(["mount", "--bind", folder, folder]);
  t.teardown(() => succeed(["umount", folder]));
  const { name, put } = start("-v", `${folder}:/data`);
  await put("/file?path=/data/file", "written");
  succeed(["mount", "-o", "remount,bind,ro", folder]);
  docker("rm", "-f", name);
  t.false(existsSync(`${folder}/file`));
  succeed(["unikrun", "uninstall"]);
  const { code, said } = take("purge");
  t.is(code, 0, said);
  t.regex(said, /^unikrun: \/var\/lib\/unikrun\/volumes\/[0-9a-f]+\/ is kept, since what a guest wrote is there alone/m);
  succeed(["mount", "-o", "remount,bind,rw", folder]);
  install(released);
  succeed(["unikrun", "volumes"]);
  t.is(readFileSync(`${folder}/file`, "utf8"), "written");
});
