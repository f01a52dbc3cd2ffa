/** A Docker whose containers have user namespaces (userns-remap): unikernels run there as anywhere, and so do Linux containers. */
import { readFileSync, readlinkSync, statSync } from "node:fs";
import test from "ava";
import {
  busyboxImage,
  docker,
  endpoint,
  httpGet,
  inspect,
  makeNetwork,
  runProbe,
  startNeighbour,
  startProbe,
  succeed,
  uniqueName,
} from "./harness.ts";
import { REMAPPED_ROOT, remapEngine } from "./remap.ts";

let remapped: AsyncDisposable | undefined;

test.before(async () => {
  remapped = await remapEngine();
});
test.after.always(async () => remapped?.[Symbol.asyncDispose]());

const mapOf = (pid: string): string => readFileSync(`/proc/${pid}/uid_map`, "utf8").trim();

test.serial(
  "a guest has what it has elsewhere: exit code, address, published port, names, exec, stop",
  async (t) => {
    t.is(runProbe(["return", "7"]).code, 7);
    const network = makeNetwork(t);
    const other = startNeighbour(t, network, "sleep 600");
    const guest = startProbe(t, {
      options: ["--network", network, "-p", "127.0.0.1::80", "--memory", "100m"],
    });
    const pid = inspect(guest, "{{.State.Pid}}");
    t.regex(mapOf(pid), new RegExp(`^0\\s+${REMAPPED_ROOT}\\s+65536$`));
    const { IPAddress } = endpoint(guest, network);
    t.truthy(await httpGet(`http://${IPAddress}/`));
    t.truthy(await httpGet(`http://${succeed(["docker", "port", guest, "80"])}/`));
    const found = await httpGet(`http://${IPAddress}/dns?name=${other}`);
    t.is(found.trim(), endpoint(other, network).IPAddress);
    t.is(docker("exec", guest, "unikrun", "http", "/").code, 0);
    t.is(docker("exec", guest, "unikrun", "dns", other).code, 0);
    t.is(docker("pause", guest).code, 0);
    t.is(docker("unpause", guest).code, 0);
    t.regex(docker("stats", "--no-stream", "--format", "{{.MemUsage}}", guest).stdout, /MiB \/ 100MiB/);
    succeed(["docker", "stop", guest]);
    t.is(inspect(guest, "{{.State.ExitCode}}"), "143");
  },
);

test.serial("a volume's owners are the same for a guest and for a Linux container", async (t) => {
  const volume = uniqueName("volume");
  t.teardown(() => docker("volume", "rm", "-f", volume));
  const inLinux = (line: string): string =>
    succeed(["docker", "run", "--rm", "-v", `${volume}:/data`, busyboxImage(), "sh", "-c", line]);
  inLinux("echo before >/data/file && chown 33:34 /data/file");
  const guest = startProbe(t, { options: ["-v", `${volume}:/data`] });
  const host = endpoint(guest).IPAddress;
  t.like(JSON.parse(await httpGet(`http://${host}/stat?path=/data/file`)), { uid: 33, gid: 34 });
  await fetch(`http://${host}/file?path=/data/new&sync=1`, { method: "PUT", body: "new", keepalive: false });
  succeed(["docker", "rm", "-f", guest]);
  t.is(inLinux("stat -c '%u:%g' /data/file /data/new"), "33:34\n0:0");
  t.is(statSync(`${inspect(volume, "{{.Mountpoint}}")}/new`).uid, REMAPPED_ROOT);
});

test.serial("one that is told to have none has the host's users", async (t) => {
  const guest = startProbe(t, { options: ["--userns=host"] });
  await httpGet(`http://${endpoint(guest).IPAddress}/`);
  t.is(readlinkSync(`/proc/${inspect(guest, "{{.State.Pid}}")}/ns/user`), readlinkSync("/proc/self/ns/user"));
});

test.serial("a program beside a guest has its network", async (t) => {
  const guest = startProbe(t);
  await httpGet(`http://${endpoint(guest).IPAddress}/`);
  const beside = ["docker", "run", "--rm", "--network", `container:${guest}`, busyboxImage()];
  t.truthy(succeed([...beside, "wget", "-q", "-O", "-", "http://127.0.0.1/"]));
});
