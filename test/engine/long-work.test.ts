/** What a user of Docker sees of work that takes long; test/conformance/long-work.test.ts has the rest of it. */
import { existsSync, readdirSync, statSync } from "node:fs";
import test from "ava";
import { pids, readIfThere } from "../proc.ts";
import { busyboxImage, createProbe, docker, eventually, succeed, uniqueName } from "./harness.ts";

const STORE = "/var/lib/unikrun/volumes";

/** The runtime's process that starts this container, and whether it has begun to make a disk. */
function startOf(id: string): number | undefined {
  const isStart = (pid: number): boolean => {
    const words = readIfThere(`/proc/${pid}/cmdline`).split("\0");
    return words.includes("start") && words.includes(id);
  };
  const isMade = (name: string): boolean => {
    const draft = `${STORE}/${name}/disk.new`;
    return existsSync(draft) && statSync(draft).blocks > 2048;
  };
  if (!existsSync(STORE) || !readdirSync(STORE).some(isMade)) return undefined;
  return pids().find(isStart);
}

test("docker logs has how far the disk of a large volume is, while its container starts", async (t) => {
  const volume = uniqueName("volume");
  succeed(["docker", "volume", "create", volume]);
  t.teardown(() => docker("volume", "rm", "-f", volume));
  const fill = "dd if=/dev/zero of=/v/large bs=1M count=400";
  succeed(["docker", "run", "--rm", "-v", `${volume}:/v`, busyboxImage(), "sh", "-c", fill]);
  const name = createProbe(t, { options: ["-v", `${volume}:/data`] });
  const id = succeed(["docker", "inspect", "--format", "{{.Id}}", name]);
  const starting = Bun.spawn(["docker", "start", name], { stdio: ["ignore", "ignore", "ignore"] });
  const pid = await eventually("the making of the disk", () => startOf(id), { pause: 10 });
  // As if its files were on a slow disk.
  process.kill(pid, "SIGSTOP");
  await Bun.sleep(3300);
  process.kill(pid, "SIGCONT");
  const said = await eventually("a line in the log", () => {
    const { stdout, stderr } = docker("logs", name);
    return /^unikrun: making .*$/m.exec(stdout + stderr)?.[0];
  });
  t.regex(said, /^unikrun: making the disk of \/data: \d+\.\d of 400\.0 MiB\.$/);
  t.is(await starting.exited, 0);
});
