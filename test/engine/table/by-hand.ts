/** What unikrun's own command line does, without an engine. */
import type { ExecutionContext } from "ava";
import { type Bench, makeBench } from "../../conformance/harness.ts";
import { remap } from "../../conformance/remapped.ts";
import { command, eventually, succeed, unikrun } from "../harness.ts";
import { type Column, must, mustEnd, refused } from "./answers.ts";

export async function askByHand(column: Column, t: ExecutionContext): Promise<void> {
  await askVerbs(column, t);
  await askEnds(column);
  column.notApplicable(
    "without an engine there is no network but what the caller makes",
    "address of the engine's network",
    "published port",
    "port forwarding",
    "names on the engine's network",
    "IPv6",
    "several networks",
    "network connected while it runs",
    "second unikernel in one namespace",
    "Linux container in one namespace",
  );
  column.notApplicable("an engine does it", "restart", "restart policy", "logs", "attach", "health check");
  column.notApplicable("an engine does it", "an init of the engine's", "files copied out of the image");
  column.notApplicable(
    "as config.json says it: see any engine's column",
    "volume for writing",
    "read-only folder",
    "single file",
    "tmpfs",
    "memory limit",
    "CPU limit",
    "limit of processes",
    "arguments, environment, host name",
    "annotations",
    "privileged",
    "user and read-only root",
    "seccomp, capabilities, no new privileges",
    "standard input",
    "terminal",
  );
}

async function askVerbs(column: Column, t: ExecutionContext): Promise<void> {
  const row = column.row.bind(column);
  const bench = makeBench(["sleep", "1000"]);
  t.teardown(() => bench[Symbol.dispose]());
  const { id } = bench;
  const status = () => JSON.parse(mustEnd(bench.call("state", id), 0)).status;
  await row("create", () => mustEnd(bench.call("create"), 0));
  await row("start", () => mustEnd(bench.call("start", id), 0));
  await row("state", () => must(status() === "running", status()));
  await row("list", () => must(mustEnd(bench.call("list"), 0).includes(id), "is not in it"));
  await row("ps", () => must(/qemu-system/.test(mustEnd(bench.call("ps", id), 0)), "shows no VMM"));
  await row("pause", () => {
    mustEnd(bench.call("pause", id), 0);
    must(status() === "paused", status());
  });
  await row("resume", () => {
    mustEnd(bench.call("resume", id), 0);
    must(status() === "running", status());
  });
  await row("events (statistics)", () => {
    const { data } = JSON.parse(mustEnd(bench.call("events", "--stats", id), 0));
    must(data.memory.usage.usage > 1 << 20, JSON.stringify(data));
  });
  await row("update", () => mustEnd(bench.call("update", "--pids-limit", "55", id), 0));
  await row("exec of unikrun's commands", () =>
    must(/rumprun/.test(mustEnd(bench.call("exec", id, "unikrun", "status"), 0)), "tells no family"),
  );
  await row("exec of another program", () => refused(bench.call("exec", id, "ls")));
  const image = `${bench.folder}/image`;
  await row("checkpoint", () => mustEnd(bench.call("checkpoint", "--image-path", image, id), 0));
  await row("restore", async () => {
    await eventually("its end", () => status() === "stopped" || undefined);
    mustEnd(bench.call("delete", id), 0);
    mustEnd(bench.call("restore", "--detach", "--image-path", image, "--bundle", bench.bundle, id), 0);
    must(status() === "running", status());
  });
  await row("kill", async () => {
    mustEnd(bench.call("kill", id, "TERM"), 0);
    await eventually("its end", () => status() === "stopped" || undefined);
  });
  await row("delete", () => mustEnd(bench.call("delete", id), 0));
  await row("features", () => must(/rumprun/.test(mustEnd(bench.call("features"), 0)), "lack the family"));
  await row("version", () =>
    must(mustEnd(bench.call("--version"), 0).startsWith("runc version "), "begins otherwise"),
  );
  await row("spec", () => {
    const folder = `${bench.folder}/made`;
    succeed(["mkdir", "-p", `${folder}/rootfs`]);
    mustEnd(command([unikrun, "spec", "--bundle", folder]), 0);
  });
  await row("run", () => runs(["return", "0"], 0));
  await row("delete --force", () => {
    using other = makeBench(["sleep", "1000"]);
    mustEnd(other.call("create"), 0);
    mustEnd(other.call("start", other.id), 0);
    mustEnd(other.call("delete", "--force", other.id), 0);
  });
}

/** Runs the probe in the foreground; its exit code must be this one. */
function runs(args: readonly string[], code: number, change?: (bench: Bench) => void): void {
  using bench = makeBench(args);
  change?.(bench);
  mustEnd(bench.call("run", "--bundle", bench.bundle, bench.id), code);
}

async function askEnds(column: Column): Promise<void> {
  const row = column.row.bind(column);
  await row("the program's exit code", () => runs(["exit", "7"], 7));
  await row("a panic is 134", () => runs(["panic"], 134));
  for (const [name, victim, signal, code] of [
    ["a graceful stop is 143", "init", "SIGTERM", 143],
    ["a killed machine is 137", "VMM", "SIGKILL", 137],
  ] as const) {
    await row(name, () => {
      using bench = makeBench(["sleep", "1000"]);
      mustEnd(bench.call("create"), 0);
      mustEnd(bench.call("start", bench.id), 0);
      const pids: number[] = JSON.parse(mustEnd(bench.call("ps", "--format", "json", bench.id), 0));
      const [pid] = pids.filter((each) => (each === bench.pid()) === (victim === "init"));
      process.kill(pid ?? Number.NaN, signal);
      must(bench.wait() === code, "has another code");
    });
  }
  await row("no network", () => runs(["return", "0"], 0));
  await row("the host's network", () => {
    using bench = makeBench(["return", "0"]);
    bench.configure(({ linux }) => {
      linux.namespaces = linux.namespaces.filter(({ type }) => type !== "network");
    });
    return refused(bench.call("run", "--bundle", bench.bundle, bench.id));
  });
  await row("user namespace", () => {
    using bench = makeBench(["return", "5"]);
    remap(bench);
    mustEnd(bench.call("run", "--bundle", bench.bundle, bench.id), 5);
  });
}
