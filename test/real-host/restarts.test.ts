import test from "ava";
import { docker, eventually, httpGet, inspect, reboot, startProbe, succeed, uniqueName } from "./harness.ts";

const PAGE = "http://127.0.0.1:8080/";

/** Sets live-restore in dockerd's settings beside what unikrun install wrote, or takes it out again. */
function liveRestore(on: boolean): void {
  const change = on ? '."live-restore" = true' : 'del(."live-restore")';
  const file = "/etc/docker/daemon.json";
  succeed(`jq '${change}' ${file} >${file}.new && mv ${file}.new ${file} && systemctl reload docker`);
}

const engineIsUp = () => eventually("dockerd", () => (docker("version").code === 0 ? true : undefined));

test.serial(
  "with live-restore a guest outlives dockerd's restart, its death and containerd's restart",
  async (t) => {
    liveRestore(true);
    t.teardown(() => liveRestore(false));
    const name = startProbe(t, { options: ["-p", "8080:80"] });
    await httpGet(PAGE);
    const pid = inspect(name, "{{.State.Pid}}");
    for (const blow of [
      "systemctl restart docker",
      "systemctl kill -s KILL docker",
      "systemctl restart containerd",
    ]) {
      succeed(blow);
      await engineIsUp();
      t.regex(await httpGet(PAGE), /probe/, blow);
      t.is(inspect(name, "{{.State.Status}} {{.State.Pid}}"), `running ${pid}`, blow);
      t.is(docker("exec", name, "unikrun", "http", "/").code, 0, blow);
    }
    t.is(docker("stop", name).code, 0);
    t.is(inspect(name, "{{.State.Status}} {{.State.ExitCode}}"), "exited 143");
  },
);

test.serial(
  "after the host's reboot a guest with restart=always is there again, with its volume and port",
  async (t) => {
    t.timeout(15 * 60_000);
    const volume = uniqueName("volume");
    t.teardown(() => docker("volume", "rm", "-f", volume));
    const name = startProbe(t, {
      options: ["-p", "8080:80", "--restart=always", "-v", `${volume}:/data`],
    });
    await httpGet(PAGE);
    succeed(`curl -sSf -X PUT --data-binary kept '${PAGE}file?path=/data/words&sync=1'`);
    await reboot();
    t.is(await httpGet(`${PAGE}file?path=/data/words`), "kept");
    t.is(inspect(name, "{{.State.Status}}"), "running");
  },
);
