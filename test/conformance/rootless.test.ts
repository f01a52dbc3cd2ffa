/** Without the host's root: an ordinary user, and what is not about unikernels in a user namespace (rootless-engine.test.ts). */
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
} from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import { type Bench, unikrun as built, makeBench, type Outcome } from "./harness.ts";

const USER = 1000;

/** Where an ordinary user gets at it, wherever the repository is. */
const folder = mkdtempSync(`${tmpdir()}/unikrun-test-`);
const unikrun = `${folder}/unikrun`;
chmodSync(folder, 0o755);
copyFileSync(built, unikrun);
test.after.always(() => rmSync(folder, { recursive: true }));

interface UsersBench extends Disposable {
  readonly bench: Bench;
  /** Calls a runtime in the bundle, with $XDG_RUNTIME_DIR in the bench's folder. */
  call(
    how: readonly string[],
    runtime: string,
    ...args: string[]
  ): Pick<Outcome, "code" | "stdout" | "stderr">;
}

const AS_USER = ["setpriv", `--reuid=${USER}`, `--regid=${USER}`, "--clear-groups"];
const AS_NAMESPACE_ROOT = [...AS_USER, "unshare", "--user", "--map-root-user"];

function makeUsersBench(args: readonly string[]): UsersBench {
  const bench = makeBench(args);
  for (const folder of ["proc", "sys", "dev"]) mkdirSync(`${bench.rootfs}/${folder}`);
  mkdirSync(`${bench.folder}/xdg`, { mode: 0o700 });
  copyFileSync("/bin/busybox", `${bench.rootfs}/busybox`);
  for (const path of ["", ...(readdirSync(bench.folder, { recursive: true }) as string[])])
    chownSync(`${bench.folder}/${path}`, USER, USER);
  return {
    bench,
    call(how, runtime, ...words) {
      const { exitCode, stdout, stderr } = Bun.spawnSync({
        cmd: [...how, runtime, ...words],
        cwd: bench.bundle,
        stdin: "ignore",
        env: { PATH: process.env.PATH, XDG_RUNTIME_DIR: `${bench.folder}/xdg` },
      });
      return { code: exitCode ?? -1, stdout: stdout.toString(), stderr: stderr.toString() };
    },
    [Symbol.dispose]: () => bench[Symbol.dispose](),
  };
}

/** As `runc spec --rootless` has it. */
function configureForUser({ configure }: Bench, args: readonly string[]): void {
  configure((config) => {
    config.process.args = [...args];
    const mapping = [{ containerID: 0, hostID: USER, size: 1 }];
    Object.assign(config, {
      mounts: [
        { destination: "/proc", type: "proc", source: "proc" },
        { destination: "/sys", type: "none", source: "/sys", options: ["rbind", "nosuid", "ro"] },
      ],
      linux: {
        namespaces: ["pid", "ipc", "uts", "mount", "user"].map((type) => ({ type })),
        uidMappings: mapping,
        gidMappings: mapping,
      },
    });
  });
}

test.serial(
  "an ordinary user's Linux container runs as by runc, and its state is in $XDG_RUNTIME_DIR",
  (t) => {
    using users = makeUsersBench([]);
    const show =
      "cat /proc/self/uid_map; grep -E '^(Cap|Seccomp:|NoNewPrivs|Sig[BI])' /proc/self/status; exit 3";
    configureForUser(users.bench, ["/busybox", "sh", "-c", show]);
    const theirs = users.call(AS_USER, "runc", "run", "a");
    t.is(theirs.code, 3, theirs.stderr);
    t.deepEqual(users.call(AS_USER, unikrun, "run", "a"), theirs);

    configureForUser(users.bench, ["/busybox", "sleep", "1000"]);
    const created = users.call(AS_USER, "sh", "-c", `${unikrun} create b >out 2>&1 || cat out`);
    t.is(created.stdout, "");
    const states = `${users.bench.folder}/xdg/unikrun`;
    t.deepEqual(readdirSync(states), ["b"]);
    // Sticky: not to be cleaned away.
    t.is(statSync(states).mode & 0o7777, 0o1700);
    t.is(JSON.parse(users.call(AS_USER, unikrun, "state", "b").stdout).status, "created");
    t.regex(users.call(AS_USER, unikrun, "list").stdout, /^b .*created/m);
    t.is(users.call(AS_USER, unikrun, "delete", "--force", "b").code, 0);
    t.deepEqual(readdirSync(states), []);
  },
);

test.serial(
  "an ordinary user is told in one sentence that a unikernel needs a rootless engine's namespace",
  (t) => {
    using users = makeUsersBench(["http", "80"]);
    const { code, stdout, stderr } = users.call(AS_USER, unikrun, "create", "c");
    t.is(code, 1);
    t.is(stdout, "");
    t.regex(stderr, /^unikrun: error: Container c: it is a unikernel, .*podman run --runtime=unikrun.*\n$/);
    t.deepEqual(readdirSync(`${users.bench.folder}/xdg`), []);
  },
);

for (const [who, how, first] of [
  ["an ordinary user", AS_USER, { status: "missing", subject: "root", essential: true }],
  ["root of a user namespace", AS_NAMESPACE_ROOT, { status: "warning", subject: "user namespace" }],
] as const) {
  test.serial(`${who} can ask what there is: check, features, list, state, the version`, (t) => {
    using users = makeUsersBench([]);
    const checked = users.call(how, unikrun, "check", "--json");
    const { canRun, findings } = JSON.parse(checked.stdout);
    t.is(checked.code, canRun ? 0 : 1);
    t.like(findings[0], first);
    if (how === AS_USER) t.false(canRun);
    t.true(JSON.parse(users.call(how, unikrun, "features").stdout).linux.namespaces.includes("user"));
    t.deepEqual(JSON.parse(users.call(how, unikrun, "list", "--format", "json").stdout), []);
    t.is(users.call(how, unikrun, "--version").code, 0);
    t.regex(users.call(how, unikrun, "state", "nobody").stderr, /does not exist in .*\/xdg\/unikrun/);
  });
}

test.serial("root has its state in /run, whatever $XDG_RUNTIME_DIR says", (t) => {
  using users = makeUsersBench([]);
  t.regex(users.call(["env"], unikrun, "state", "nobody").stderr, /does not exist in \/run\/unikrun\./);
});
