import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import { ask, ctr, hear, importImages, nameOf, remove, runtimeOptions } from "./ctr.ts";
import {
  COUNTED,
  containerd,
  eventually,
  httpGet,
  makeNetns,
  type Outcome,
  probeImage,
  repository,
  succeed,
  uniqueName,
} from "./harness.ts";

function runOptions(...options: readonly string[]): readonly string[] {
  return ["run", ...runtimeOptions(), ...options, nameOf("probe")];
}

test.before("containerd has the probe's image", () => importImages([probeImage()]));

function stateOf(name: string): string | undefined {
  return new RegExp(`^${name}\\s+\\d+\\s+(\\w+)`, "m").exec(ctr("task", "ls").stdout)?.[1];
}

test.serial("ctr run gives the program's output and exit code", (t) => {
  const run = () => ctr(...runOptions("--rm"), uniqueName("ctr"), "/probe.bin", "return", "7");
  t.notThrows(() => hear(/returned 7/, 7, run));
});

test.serial("ctr run in a netns that is already full: the guest has its address and answers", async (t) => {
  const { netns, address } = makeNetns(t);
  const name = uniqueName("ctr");
  t.teardown(() => remove(name));
  const options = runOptions("-d", "--with-ns", `network:${netns}`);
  const started = ctr(...options, name, "/probe.bin", "http", "80");
  t.is(started.code, 0, started.stderr);
  t.regex(await httpGet(`http://${address}/`), /probe/);
  t.is(stateOf(name), "RUNNING");
});

for (const family of [4, 6] as const)
  test.serial(`ctr task exec of unikrun's commands, by IPv${family} alone`, async (t) => {
    const { netns, address } = makeNetns(t, family);
    const name = uniqueName("ctr");
    t.teardown(() => remove(name));
    const options = runOptions("-d", "--with-ns", `network:${netns}`);
    ask(...options, name, "/probe.bin", "http", "80");
    const exec = (...args: readonly string[]): Outcome =>
      ctr("task", "exec", "--exec-id", uniqueName("exec"), name, "unikrun", ...args);
    await eventually("the server", () => exec("tcp", "80").code === 0 || undefined);
    const says = (code: number, words: RegExp, ...args: readonly string[]) =>
      t.notThrows(() => hear(words, code, () => exec(...args)));
    says(0, /probe/, "http", "/");
    says(0, new RegExp(`^64 bytes from ${address}: seq=1 `), "ping");
    says(1, /status 404/, "http", "/nothing");
    says(1, /connection refused/, "tcp", "81");
    says(0, new RegExp(`^eth0 .* ${address}/`, "m"), "status");
    remove(name);
    const inside = ["nsenter", `--net=${netns}`];
    t.notRegex(succeed([...inside, "ip", "-o", "link"]), /\buk[0-9a-f]{10}-/);
    t.is(succeed([...inside, "tc", "filter", "show", "dev", "eth0", "ingress"]), "");
  });

test.serial("ctr container checkpoint and restore: the guest goes on counting where it stood", async (t) => {
  const { netns, address } = makeNetns(t);
  const [name, restored, saved] = [
    uniqueName("ctr"),
    uniqueName("ctr"),
    `docker.io/library/${uniqueName("saved")}:1`,
  ];
  t.teardown(() => {
    remove(name);
    remove(restored);
    ctr("images", "rm", saved);
  });
  const requests = async () =>
    Number(/requests: (\d+)/.exec(await httpGet(`http://${address}/`, COUNTED))?.[1]);
  ask(...runOptions("-d", "--with-ns", `network:${netns}`), name, "/probe.bin", "http", "80");
  t.is(await requests(), 1);
  ask("container", "checkpoint", "--task", "--rw", "--image", name, saved);
  t.is(await requests(), 2, "it goes on");
  remove(name);
  ask("container", "restore", "--live", restored, saved);
  t.is(stateOf(restored), "RUNNING");
  t.is(await requests(), 2, "as it was when it was saved");
});

test.serial("ctr run --rootfs needs no image, and ctr task kill gives its signal's code", async (t) => {
  const rootfs = mkdtempSync(`${tmpdir()}/unikrun-rootfs-`);
  t.teardown(() => rmSync(rootfs, { recursive: true }));
  cpSync(`${repository}/build/guest/probe.bin`, `${rootfs}/probe.bin`);
  const run = ["run", ...runtimeOptions(), "--rootfs"];
  const ended = () => ctr(...run, "--rm", rootfs, uniqueName("ctr"), "/probe.bin", "return", "6");
  t.notThrows(() => hear(/returned 6/, 6, ended));

  const name = uniqueName("ctr");
  t.teardown(() => remove(name));
  const running = Bun.spawn({
    cmd: ["ctr", "--address", containerd, ...run, rootfs, name, "/probe.bin", "sleep", "1000"],
    stdout: "ignore",
    stderr: "ignore",
  });
  await eventually("the start", () => stateOf(name) === "RUNNING" || undefined);
  t.is(ctr("task", "kill", "-s", "TERM", name).code, 0);
  t.is(await running.exited, 143);
});
