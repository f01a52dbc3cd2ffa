/** `--debug`, switched on as docs/troubleshooting.md says for each engine. */
import { chmodSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import test from "ava";
import { ctr, importImages, nameOf, remove, runtimeOptions } from "./ctr.ts";
import {
  docker,
  eventually,
  inspect,
  probeImage,
  repository,
  succeed,
  unikrun,
  uniqueName,
} from "./harness.ts";
import { preparePodman } from "./podman.ts";

const document = readFileSync(`${repository}/docs/troubleshooting.md`, "utf8");
const DEBUG = /Container .*: board: /;

/** The log.json of a container, in whichever folder its containerd has it. */
const logOf = (id: string): string =>
  succeed([
    "sh",
    "-c",
    `cat /run/containerd/io.containerd.runtime.v2.task/*/${id}/log.json ` +
      `/run/docker/containerd/daemon/io.containerd.runtime.v2.task/*/${id}/log.json 2>/dev/null; true`,
  ]);

test.serial("--debug by Docker's runtimeArgs", async (t) => {
  const file = process.env.UNIKRUN_ENGINE_CONFIG ?? "";
  const before = readFileSync(file, "utf8");
  const reload = (text: string): void => {
    writeFileSync(file, text);
    for (const pid of succeed(["pidof", "dockerd"]).split(" ")) process.kill(Number(pid), "SIGHUP");
  };
  const [, example = ""] = /```json\n(.*?)```/s.exec(document) ?? [];
  const { runtimes } = JSON.parse(example.replace("/usr/bin/unikrun", unikrun));
  const config = JSON.parse(before);
  t.teardown(() => reload(before));
  reload(JSON.stringify({ ...config, runtimes: { ...config.runtimes, ...runtimes } }));
  const name = uniqueName("debug");
  t.teardown(() => docker("rm", "-f", name));
  await eventually("the runtime", () => {
    docker("rm", name);
    const started = docker("run", "-d", "--name", name, "--runtime=unikrun-debug", probeImage());
    return started.code === 0 || undefined;
  });
  t.regex(logOf(inspect(name, "{{.Id}}")), DEBUG);
});

test.serial("--debug by a script for containerd", (t) => {
  const [, text = ""] = /```sh\n(.*?)```/s.exec(document) ?? [];
  const script = `/run/${uniqueName("debug")}`;
  writeFileSync(script, text.replace("/usr/bin/unikrun", unikrun));
  chmodSync(script, 0o755);
  t.teardown(() => rmSync(script));
  importImages([probeImage()]);
  const id = uniqueName("debug");
  t.teardown(() => remove(id));
  const started = ctr(
    "run",
    "-d",
    ...runtimeOptions(script),
    nameOf("probe"),
    id,
    "/probe.bin",
    "sleep",
    "100",
  );
  t.is(started.code, 0, started.stderr);
  t.regex(logOf(id), DEBUG);
});

test.serial("--debug by Podman's --runtime-flag", (t) => {
  using podman = preparePodman();
  const name = uniqueName("debug");
  const log = `/run/${name}.log`;
  t.teardown(() => rmSync(log, { force: true }));
  const flags = ["--runtime-flag", "debug", "--runtime-flag", `log=${log}`];
  t.regex(document, /--runtime-flag\s+debug\s+--runtime-flag\s+log=/);
  const { code, stderr } = podman.call(...flags, "run", "-d", "--name", name, podman.image, "sleep", "100");
  t.is(code, 0, stderr);
  t.regex(readFileSync(log, "utf8"), DEBUG);
  t.regex(readFileSync(log, "utf8"), /Container .*: plan: /);
  podman.call("rm", "-f", name);
});
