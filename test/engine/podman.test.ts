/** Podman's command line, on the versions that the two engines come with. */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import { eventually, httpGet, uniqueName } from "./harness.ts";
import { type Podman, preparePodman } from "./podman.ts";

let podman: Podman;

test.before(() => {
  podman = preparePodman();
});

test.after.always(() => podman?.[Symbol.dispose]());

test.serial("podman run gives the guest's output and exit code", (t) => {
  const { code, stdout } = podman.run("return", "7");
  t.is(code, 7);
  t.regex(stdout, /main\(\) of "\/probe\.bin" returned 7/);
});

test.serial("a guest answers, is paused, watched, stopped and removed", async (t) => {
  const data = mkdtempSync(`${tmpdir()}/unikrun-data-`);
  t.teardown(() => rmSync(data, { recursive: true }));
  const name = podman.start(t, "-v", `${data}:/data`);
  const url = `http://${podman.address(name)}`;
  t.regex(await httpGet(`${url}/`), /probe/);
  await fetch(`${url}/file?path=/data/x&sync=1`, { method: "PUT", body: "by podman", keepalive: false });
  t.regex(podman.ask("exec", name, "unikrun", "http", "/"), /probe/);
  const closed = podman.call("exec", name, "unikrun", "tcp", "81");
  t.is(closed.code, 1);
  t.regex(closed.stderr, /connection refused/);
  podman.ask("pause", name);
  t.is(podman.ask("inspect", name, "-f", "{{.State.Status}}"), "paused");
  podman.ask("unpause", name);
  t.regex(podman.ask("stats", "--no-stream", "--format", "{{.MemUsage}}", name), /\d+(\.\d+)?MB/);
  t.regex(podman.ask("logs", name), /serving HTTP/);
  const exec = podman.call("exec", name, "sh");
  t.is(exec.code, 127);
  t.regex(exec.stderr, /is a unikernel, so there is no "sh" in it/);
  podman.ask("stop", name);
  t.is(podman.ask("inspect", name, "-f", "{{.State.ExitCode}}"), "143");
  podman.ask("rm", name);
  await eventually("the volume", () => readFileSync(`${data}/x`, "utf8") === "by podman" || undefined);
  t.pass();
});

for (const check of [
  "unikrun http /file?path=/tmp/well || exit 1",
  "curl -f http://localhost/file?path=/tmp/well >/dev/null 2>&1 || exit 1",
])
  test.serial(`Podman's health check is ${check}`, async (t) => {
    const name = podman.start(t, "--health-cmd", check, "--health-interval", "disable");
    const url = `http://${podman.address(name)}`;
    await httpGet(`${url}/`);
    t.is(podman.call("healthcheck", "run", name).code, 1);
    t.true((await fetch(`${url}/file?path=/tmp/well`, { method: "PUT", body: "well", keepalive: false })).ok);
    t.is(podman.call("healthcheck", "run", name).code, 0);
  });

test.serial("guests on a network of Podman's find each other by name", async (t) => {
  const network = uniqueName("net");
  podman.ask("network", "create", network);
  t.teardown(() => podman.call("network", "rm", "-f", network));
  const [one, two] = [podman.start(t, "--network", network), podman.start(t, "--network", network)];
  const host = podman.address(one, network);
  const address = podman.address(two, network);
  const answer = await eventually(`the address of ${two}`, async () => {
    const text = await httpGet(`http://${host}/dns?name=${two}.dns.podman`, 15_000);
    return text.includes(address) ? text : undefined;
  });
  t.is(answer.trim(), address);
});

/** So many containers behind one name have more addresses than an answer of 512 bytes. */
const MANY = 50;

test.serial(
  "all of many containers behind one name are found, as a Linux container finds them",
  async (t) => {
    const network = uniqueName("net");
    podman.ask("network", "create", network);
    const names = Array.from({ length: MANY }, () => uniqueName("many"));
    t.teardown(() => {
      podman.call("rm", "-f", "-t", "0", ...names);
      podman.call("network", "rm", "-f", network);
    });
    const guest = podman.start(t, "--network", network);
    const waiting = names.values();
    const start = async (): Promise<void> => {
      for (const name of waiting) {
        const options = `--runtime crun --name ${name} --network ${network} --network-alias scaled-service`;
        const line = podman.shell(
          "run",
          "-d",
          ...options.split(" "),
          "--entrypoint",
          "/busybox",
          podman.image,
          "sleep",
          "600",
        );
        const run = Bun.spawn(["sh", "-c", line], { stdout: "ignore", stderr: "pipe" });
        if ((await run.exited) !== 0) throw new Error(`${name}: ${await new Response(run.stderr).text()}`);
      }
    };
    await Promise.all([start(), start(), start()]);
    const addresses = names.map((name) => podman.address(name, network)).toSorted();
    const host = podman.address(guest, network);
    const found = JSON.parse(await httpGet(`http://${host}/lookups?name=scaled-service&count=1`, 30_000));
    t.like(found, { answered: 1, failed: 0, lost: 0 }, JSON.stringify(found));
    t.deepEqual(found.addresses.toSorted(), addresses);
    t.deepEqual(
      podman.ask("exec", guest, "unikrun", "dns", "scaled-service").split("\n").toSorted(),
      addresses,
    );
  },
);

test.serial("the operator's annotations are heard", async (t) => {
  const name = podman.start(t, "--annotation", "org.unikrun.memory=96");
  const { memory } = JSON.parse(await httpGet(`http://${podman.address(name)}/config`));
  t.true(memory > 90 << 20 && memory < 97 << 20, `${memory}`);
});

test.serial("a secret, an overlay of a volume and an image are in the guest's places", async (t) => {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-data-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(`${folder}/file`, "of the host");
  const secret = uniqueName("secret");
  podman.ask("secret", "create", secret, `${folder}/file`);
  t.teardown(() => podman.call("secret", "rm", secret));
  const image = `type=image,source=${podman.image},destination`;
  const name = podman.start(
    t,
    ...["--secret", secret, "-v", `${folder}:/over:O`],
    ...["--mount", `${image}=/img`, "--mount", `${image}=/own,rw=true`],
  );
  const url = (path: string) => `http://${podman.address(name)}/file?path=${path}&sync=1`;
  t.is(await httpGet(url(`/run/secrets/${secret}`)), "of the host");
  t.is(await httpGet(url("/over/file")), "of the host");
  const sum = await httpGet(`http://${podman.address(name)}/sum?path=/img/busybox`);
  t.regex(sum, new RegExp(` ${statSync("/bin/busybox").size}\\s*$`));
  for (const path of ["/over/file", "/own/new"])
    t.is(
      (await fetch(url(path), { method: "PUT", body: "the guest's", keepalive: false })).status,
      200,
      path,
    );
  podman.ask("stop", name);
  podman.ask("rm", name);
  t.is(readFileSync(`${folder}/file`, "utf8"), "of the host");
});
