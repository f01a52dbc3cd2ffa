import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import test, { type ExecutionContext } from "ava";
import { UnikrunError } from "../../runtime/error.ts";
import { chooseEngines, findEngine } from "../../runtime/host/engines.ts";
import { carryOut, diffOf, planInstall, planUninstall } from "../../runtime/host/register.ts";

const registration = { name: "unikrun", binary: "/usr/local/bin/unikrun" };

/** A folder in place of "/", with the engines' programs and these files in it. */
function makeRoot(t: ExecutionContext, files: Readonly<Record<string, string>> = {}): string {
  const root = mkdtempSync(`${tmpdir()}/unikrun-host-`);
  t.teardown(() => rmSync(root, { recursive: true }));
  const programs = { "/usr/bin/dockerd": "", "/usr/bin/containerd": "", "/usr/bin/podman": "" };
  for (const [path, text] of Object.entries({ ...programs, ...files })) {
    mkdirSync(dirname(root + path), { recursive: true });
    writeFileSync(root + path, text);
  }
  return root;
}

function install(root: string, wanted = registration): string[] {
  const changes = chooseEngines(root, []).map((engine) => planInstall(root, engine, wanted));
  for (const change of changes) carryOut(change);
  return changes.map(({ words }) => words);
}

function uninstall(root: string, wanted = registration): string[] {
  const changes = chooseEngines(root, []).map((engine) => planUninstall(root, engine, wanted));
  for (const change of changes) carryOut(change);
  return changes.map(({ words }) => words);
}

/** Every file below /etc with its text. */
function snapshot(root: string): Record<string, string> {
  if (!existsSync(`${root}/etc`)) return {};
  const paths = readdirSync(`${root}/etc`, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => `${entry.parentPath}/${entry.name}`);
  return Object.fromEntries(paths.map((path) => [path.slice(root.length), readFileSync(path, "latin1")]));
}

const FILES = {
  "/etc/docker/daemon.json": `{\n\t"log-driver": "journald"   ,\n\t"runtimes" : { }}`,
  "/etc/containerd/config.toml": `# ours\nversion = 2\n\n[plugins]\n  # more\n  [plugins."io.containerd.grpc.v1.cri"]`,
  "/etc/containers/containers.conf": `[engine]\n`,
  "/etc/containers/containers.conf.d/10-local.conf": `[engine.runtimes]\nkata = ["/k"]\n`,
};

test("all engines are told, and a second time nothing changes", (t) => {
  const root = makeRoot(t, FILES);
  t.deepEqual(install(root), [
    `${root}/etc/docker/daemon.json has unikrun now (/usr/local/bin/unikrun).`,
    `${root}/etc/containerd/config.toml has unikrun now (/usr/local/bin/unikrun).`,
    `${root}/etc/containers/containers.conf.d/unikrun.conf has unikrun now (/usr/local/bin/unikrun).`,
  ]);
  const after = snapshot(root);
  t.is(after["/etc/docker/daemon.json.before-unikrun"], FILES["/etc/docker/daemon.json"]);
  for (const words of install(root)) t.regex(words, / has unikrun already /);
  t.deepEqual(snapshot(root), after);
});

test("uninstall leaves every file byte for byte as it was, and none that install made", (t) => {
  for (const files of [FILES, {}]) {
    const root = makeRoot(t, files);
    const before = snapshot(root);
    install(root);
    t.not(Object.keys(snapshot(root)).length, Object.keys(before).length);
    uninstall(root);
    t.deepEqual(snapshot(root), before);
  }
});

test("two names come and go each by itself", (t) => {
  const root = makeRoot(t, { "/etc/docker/daemon.json": "{ }\n", "/etc/containerd/config.toml": "" });
  const before = snapshot(root);
  const second = { name: "uk2", binary: "/opt/unikrun" };
  const docker = findEngine(root, "docker");
  const containerd = findEngine(root, "containerd");
  if (!docker || !containerd) throw new Error("the engines are there");
  for (const engine of [docker, containerd]) {
    carryOut(planInstall(root, engine, registration));
    carryOut(planInstall(root, engine, second));
    carryOut(planUninstall(root, engine, registration));
    const [file = ""] = engine.files;
    const left = engine.format.list(readFileSync(root + file, "utf8"), file);
    t.deepEqual(
      left.map(({ name, binary }) => ({ name, binary })).filter(({ name }) => name !== "runc"),
      [second],
    );
    carryOut(planUninstall(root, engine, second));
  }
  t.deepEqual(snapshot(root), before);
});

test("what others changed since then stays, and the backup too", (t) => {
  const root = makeRoot(t, FILES);
  install(root);
  const file = `${root}/etc/containerd/config.toml`;
  writeFileSync(file, `${readFileSync(file, "utf8")}[metrics]\n  address = "x"\n`);
  uninstall(root);
  t.is(readFileSync(file, "utf8"), `${FILES["/etc/containerd/config.toml"]}\n[metrics]\n  address = "x"\n`);
  t.true(existsSync(`${file}.before-unikrun`));
});

test("a file keeps its mode, its owner, and the link that leads to it", (t) => {
  const root = makeRoot(t, FILES);
  const file = `${root}/etc/docker/daemon.json`;
  chmodSync(file, 0o640);
  if (process.getuid?.() === 0) chownSync(file, 12, 34);
  const { mode, uid, gid } = statSync(file);
  rmSync(`${root}/etc/containerd/config.toml`);
  writeFileSync(`${root}/etc/real.toml`, "version = 2\n");
  symlinkSync("../real.toml", `${root}/etc/containerd/config.toml`);
  install(root);
  for (const path of [file, `${file}.before-unikrun`]) {
    const after = statSync(path);
    t.deepEqual([after.mode, after.uid, after.gid], [mode, uid, gid], path);
  }
  t.is(readlinkSync(`${root}/etc/containerd/config.toml`), "../real.toml");
  t.regex(readFileSync(`${root}/etc/real.toml`, "utf8"), /unikrun: end/);
});

test("a rehearsal shows what would change, and changes nothing", (t) => {
  const root = makeRoot(t, { "/etc/containerd/config.toml": "version = 3\n" });
  const before = snapshot(root);
  const engine = findEngine(root, "containerd");
  if (!engine) throw new Error("containerd is there");
  const text = diffOf(planInstall(root, engine, registration));
  t.true(
    text.startsWith(
      `--- ${root}/etc/containerd/config.toml\n+++ ${root}/etc/containerd/config.toml\n@@ -1,1 +1,9 @@\n version = 3\n+\n+# unikrun: begin`,
    ),
  );
  t.deepEqual(snapshot(root), before);
});

test("an entry of unikrun's is led to where it lies now, and taken out from anywhere", (t) => {
  const moved = { name: "unikrun", binary: "/usr/bin/unikrun" };
  const root = makeRoot(t, FILES);
  const before = snapshot(root);
  install(root);
  const old = snapshot(root);
  const docker = `${root}/etc/docker/daemon.json`;
  const given = readFileSync(docker, "utf8");
  writeFileSync(docker, given.replace('/unikrun"', '/unikrun", "runtimeArgs": ["--debug"]'));
  for (const words of install(root, moved))
    t.regex(
      words,
      /^\/\S+\/etc\/\S+ has unikrun now \(\/usr\/bin\/unikrun, in place of \/usr\/local\/bin\/unikrun\)\.$/,
    );
  t.true(readFileSync(docker, "utf8").includes('"path": "/usr/bin/unikrun", "runtimeArgs": ["--debug"]'));
  writeFileSync(docker, given.replace("/usr/local/bin", "/usr/bin"));
  for (const [file, text] of Object.entries(snapshot(root)))
    t.is(text, (old[file] ?? "").replaceAll("/usr/local/bin/unikrun", "/usr/bin/unikrun"), file);
  uninstall(root, { name: "unikrun", binary: "/opt/unikrun/bin/unikrun" });
  t.deepEqual(snapshot(root), before);
});

test("an entry of ours that somebody wrote in another way is not guessed at", (t) => {
  const root = makeRoot(t);
  install(root);
  const file = `${root}/etc/containers/containers.conf.d/unikrun.conf`;
  writeFileSync(file, readFileSync(file, "utf8").replaceAll('"', "'"));
  const before = snapshot(root);
  t.throws(() => install(root, { name: "unikrun", binary: "/usr/bin/unikrun" }), {
    instanceOf: UnikrunError,
    message: /unikrun\.conf names the program of unikrun in a way that can't be changed/,
  });
  t.deepEqual(snapshot(root), before);
});

test("a name that somebody else has is refused, and stays when uninstalled", (t) => {
  const other = {
    "/etc/docker/daemon.json": `{"runtimes": {"unikrun": {"path": "/other"}}}`,
    "/etc/containerd/config.toml": `version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.unikrun]\nruntime_type = "x"\n`,
    "/etc/containers/containers.conf.d/10-local.conf": `[engine.runtimes]\nunikrun = ["/other"]\n`,
  };
  for (const [file, text] of Object.entries(other)) {
    const root = makeRoot(t, { [file]: text });
    const before = snapshot(root);
    const refusal = t.throws(() => install(root), { instanceOf: UnikrunError });
    t.true(refusal?.message.startsWith(`${root}${file} has a runtime unikrun already (`), refusal?.message);
    t.throws(() => uninstall(root), { instanceOf: UnikrunError, message: /did not put there/ });
    t.deepEqual(snapshot(root), before);
  }
});

test("a file that is not valid stops everything before anything is written", (t) => {
  const root = makeRoot(t, { "/etc/containers/containers.conf": "[engine\n" });
  const before = snapshot(root);
  t.throws(() => install(root), { instanceOf: UnikrunError, message: /containers\.conf is not valid TOML/ });
  t.deepEqual(snapshot(root), before);
});

test("a link out of the folder, a text that is not UTF-8, and dockerd's own flag are refused", (t) => {
  const refused = (root: string, message: RegExp): void =>
    void t.throws(() => install(root), { instanceOf: UnikrunError, message });
  const linked = makeRoot(t, { "/etc/docker/x": "" });
  const outside = makeRoot(t, { "/daemon.json": "{}" });
  symlinkSync(`${outside}/daemon.json`, `${linked}/etc/docker/daemon.json`);
  refused(linked, /leads out of/);
  const folder = makeRoot(t, { "/etc/x": "" });
  mkdirSync(`${outside}/docker`);
  symlinkSync(`${outside}/docker`, `${folder}/etc/docker`);
  refused(folder, /leads out of/);
  t.deepEqual(readdirSync(`${outside}/docker`), []);
  const binary = makeRoot(t, { "/etc/docker/daemon.json": "" });
  writeFileSync(`${binary}/etc/docker/daemon.json`, Buffer.from([0x7b, 0xf0, 0x90, 0x80, 0x7d]));
  refused(binary, /UTF-8/);
  const unit = "/etc/systemd/system/docker.service.d/override.conf";
  refused(
    makeRoot(t, { [unit]: "[Service]\nExecStart=/usr/bin/dockerd --add-runtime a=/b\n" }),
    /--add-runtime/,
  );
  t.notThrows(() => install(makeRoot(t, { "/etc/default/docker": "# DOCKER_OPTS=--add-runtime a=/b\n" })));
});

test("an engine that is not known, and a host without engines, are refused", (t) => {
  const root = mkdtempSync(`${tmpdir()}/unikrun-host-`);
  t.teardown(() => rmSync(root, { recursive: true }));
  t.throws(() => chooseEngines(root, []), {
    instanceOf: UnikrunError,
    message: /There is no engine on this host/,
  });
  t.throws(() => chooseEngines(root, ["dcoker"]), {
    instanceOf: UnikrunError,
    message: /docker, containerd, podman/,
  });
  t.deepEqual(
    chooseEngines(root, ["podman", "docker"]).map(({ name }) => name),
    ["docker", "podman"],
  );
});

test("a CRI plugin that is switched off gets a warning", (t) => {
  const root = makeRoot(t, { "/etc/containerd/config.toml": `disabled_plugins = ["cri"]\n` });
  const engine = findEngine(root, "containerd");
  if (!engine) throw new Error("containerd is there");
  t.regex(planInstall(root, engine, registration).warning ?? "", /CRI plugin/);
});
