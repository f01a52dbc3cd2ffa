import { readFileSync } from "node:fs";
import test from "ava";
import {
  docker,
  endpoint,
  eventually,
  httpGet,
  inspect,
  startProbe,
  succeed,
  uniqueName,
} from "./harness.ts";
import { killEngine, LIVE_RESTORE, restartEngine } from "./restart-engine.ts";

/** A guest that answers, with a volume. */
async function startGuest(t: Parameters<typeof startProbe>[0]) {
  const volume = uniqueName("volume");
  const name = startProbe(t, { options: ["-v", `${volume}:/data`] });
  t.teardown(() => docker("volume", "rm", "-f", volume));
  const host = endpoint(name).IPAddress;
  await httpGet(`http://${host}/`);
  const url = `http://${host}/file?path=/data/file&sync=1`;
  await fetch(url, { method: "PUT", body: "written", keepalive: false });
  return { name, host, file: `${inspect(volume, "{{.Mountpoint}}")}/file` };
}

const isRunning = (name: string): boolean => inspect(name, "{{.State.Running}}") === "true";

test.serial("a guest goes on without dockerd, and is its again when it is back", async (t) => {
  const { name, host, file } = await startGuest(t);
  const pid = inspect(name, "{{.State.Pid}}");
  await killEngine();
  t.is(await httpGet(`http://${host}/file?path=/data/file`), "written");
  await restartEngine(LIVE_RESTORE);
  t.true(isRunning(name));
  t.is(inspect(name, "{{.State.Pid}}"), pid);
  t.is(await httpGet(`http://${host}/file?path=/data/file`), "written");
  t.regex(docker("logs", name).stdout, /serving HTTP/);
  succeed(["docker", "stop", name]);
  t.is(readFileSync(file, "utf8"), "written");
  succeed(["docker", "start", name]);
  t.is(await httpGet(`http://${endpoint(name).IPAddress}/file?path=/data/file`), "written");
});

test.serial("a guest ends with a dockerd that does not restore it, and its volume is safe", async (t) => {
  const { name, file } = await startGuest(t);
  await killEngine();
  await restartEngine();
  await eventually("the guest's end", () => !isRunning(name) || undefined);
  t.is(readFileSync(file, "utf8"), "written");
});

test.serial(
  "a guest whose shim is killed is gone, with all that it had, and its volume is safe",
  async (t) => {
    const { name, file } = await startGuest(t);
    const shim = Number(
      /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${inspect(name, "{{.State.Pid}}")}/status`, "utf8"))?.[1],
    );
    process.kill(shim, "SIGKILL");
    await eventually("the container's end", () => !isRunning(name) || undefined);
    await eventually("what the guest wrote", () => readFileSync(file, "utf8") === "written" || undefined);
    succeed(["docker", "rm", "-f", name]);
    t.is(docker("ps", "-aq", "--filter", `name=${name}`).stdout, "");
  },
);
