/** Containers of Podman's with user namespaces: of ids that it chooses (--userns=auto), and of those that it is told (--uidmap). */
import { chownSync, lstatSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import { httpGet } from "./harness.ts";
import { type Podman, preparePodman } from "./podman.ts";
import { lendIds, REMAPPED_ROOT } from "./remap.ts";

const ACCOUNT = "daemon";

let podman: Podman;
let ids: Disposable | undefined;

test.before(() => {
  ids = lendIds(ACCOUNT, 1 << 20);
  podman = preparePodman({ idsOf: ACCOUNT });
});

test.after.always(() => {
  podman?.[Symbol.dispose]();
  ids?.[Symbol.dispose]();
});

const mapOf = (name: string): string[] => {
  const pid = podman.ask("inspect", "-f", "{{.State.Pid}}", name);
  return readFileSync(`/proc/${pid}/uid_map`, "utf8").trim().split(/\s+/);
};

test.serial("two guests of --userns=auto have ids of their own each", async (t) => {
  t.is(podman.run("return", "7", "--userns=auto").code, 7);
  const names = [podman.start(t, "--userns=auto"), podman.start(t, "--userns=auto")];
  for (const name of names) t.regex(await httpGet(`http://${podman.address(name)}/`), /probe/);
  const [first, second] = names.map((name) => mapOf(name)[1]);
  t.true(Number(first) >= REMAPPED_ROOT && Number(second) >= REMAPPED_ROOT, `${first} ${second}`);
  t.not(first, second);
  for (const name of names) {
    t.regex(podman.ask("exec", name, "unikrun", "http", "/"), /probe/);
    podman.ask("stop", name);
    t.is(podman.ask("inspect", "-f", "{{.State.ExitCode}}", name), "143");
  }
});

test.serial(
  "a volume's owners are as --uidmap and --gidmap say, or as they stand there with idmap",
  async (t) => {
    for (const [option, base] of [
      ["", 300_000],
      [":idmap", 0],
    ] as const) {
      const data = mkdtempSync(`${tmpdir()}/unikrun-data-`);
      t.teardown(() => rmSync(data, { recursive: true }));
      writeFileSync(`${data}/file`, "before");
      chownSync(data, base, base);
      chownSync(`${data}/file`, base + 33, base + 34);
      const maps = ["--uidmap", "0:300000:65536", "--gidmap", "0:300000:65536"];
      const name = podman.start(t, ...maps, "-v", `${data}:/data${option}`);
      t.deepEqual(mapOf(name), ["0", "300000", "65536"]);
      const url = `http://${podman.address(name)}`;
      t.like(JSON.parse(await httpGet(`${url}/stat?path=/data/file`)), { uid: 33, gid: 34 }, option);
      await fetch(`${url}/file?path=/data/new&sync=1`, { method: "PUT", body: "new", keepalive: false });
      podman.ask("rm", "-f", name);
      const { uid, gid } = lstatSync(`${data}/new`);
      t.deepEqual([uid, gid], [base, base], option);
    }
  },
);
