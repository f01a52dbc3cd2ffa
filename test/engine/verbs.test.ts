import test from "ava";
import { docker, endpoint, httpGet, inspect, startProbe, succeed, uniqueName } from "./harness.ts";

async function startedProbe(t: Parameters<typeof startProbe>[0], options: readonly string[] = []) {
  const name = startProbe(t, { options });
  const { IPAddress } = endpoint(name);
  await httpGet(`http://${IPAddress}/`);
  return { name, url: `http://${IPAddress}/` };
}

test("docker pause stops a guest, and unpause lets it go on", async (t) => {
  const { name, url } = await startedProbe(t);
  succeed(["docker", "pause", name]);
  t.is(inspect(name, "{{.State.Status}}"), "paused");
  const silent = await fetch(url, { signal: AbortSignal.timeout(700), keepalive: false }).catch(() => null);
  t.is(silent, null);
  succeed(["docker", "unpause", name]);
  t.is(inspect(name, "{{.State.Status}}"), "running");
  t.regex(await httpGet(url), /probe/);
  succeed(["docker", "pause", name]);
  t.is(docker("rm", "-f", name).code, 0);
});

test("docker update changes limits, and says why a running guest's memory can't shrink", async (t) => {
  const { name, url } = await startedProbe(t, ["--memory", "200m"]);
  succeed(["docker", "update", "--memory", "256m", "--memory-swap", "256m", "--cpus", "0.5", name]);
  t.is(inspect(name, "{{.HostConfig.Memory}}"), String(256 << 20));
  const refused = docker("update", "--memory", "100m", name);
  t.not(refused.code, 0);
  t.regex(refused.stderr, /a running guest can't give any back; stop it/);
  t.regex(await httpGet(url), /probe/);
});

test("docker top shows init and the VMM", async (t) => {
  const { name } = await startedProbe(t);
  const lines = succeed(["docker", "top", name]).split("\n");
  t.is(lines.length, 3);
  t.true(lines.some((line) => line.includes("qemu-system")));
});

test("docker exec fails at once, and says why", async (t) => {
  const { name } = await startedProbe(t);
  const { code, stdout, stderr } = docker("exec", name, "sh");
  t.true([126, 127].includes(code), `code ${code}`);
  // Docker 20 has the runtime's words on stdout.
  t.regex(
    stdout + stderr,
    /is a unikernel, so there is no "sh" in it \(executable file not found in a machine that is one program\): exec runs "unikrun http/,
  );
});

test("what a guest wrote to a volume is counted by its disk, and docker stats has a column for the host's devices", async (t) => {
  const volume = uniqueName("counted");
  t.teardown(() => docker("volume", "rm", volume));
  const { name, url } = await startedProbe(t, ["-v", `${volume}:/data`]);
  const written = () => {
    const text = succeed(["docker", "exec", name, "unikrun", "stats"]);
    const [, amount, unit] = /^\/data +read [\d.]+ \w+, written ([\d.]+) (B|KiB|MiB)$/m.exec(text) ?? [];
    return unit === "MiB" ? Number(amount) : amount === undefined ? Number.NaN : 0;
  };
  t.true(written() < 1);
  const body = Buffer.alloc(3 << 20, "x");
  const put = await fetch(`${url}file?path=/data/file&sync=1`, { method: "PUT", body, keepalive: false });
  t.true(put.ok, await put.text());
  t.true(written() >= 3, String(written()));
  t.regex(
    succeed(["docker", "stats", "--no-stream", "--format", "{{.BlockIO}}", name]),
    /^[\d.]+k?M?B \/ [\d.]+k?M?B$/,
  );
});
