/** The runtime for Linux containers is called as unikrun was: what it can see of its own process is no different. */
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import test from "ava";
import { type Bench, makeBench, unikrun } from "./harness.ts";

/** Stands where runc is, and says what it sees. */
const WITNESS = `#!/bin/busybox sh
tr '\\0' '\\n' </proc/$$/cmdline | sed 1,3d
echo --
tr '\\0' '\\n' </proc/$$/environ
echo --
cat /proc/$$/limits
grep -E '^(Sig[BI]|Cap|Groups|Umask|Uid|Gid|NoNewPrivs|Seccomp:|Cpus_allowed:)' /proc/$$/status
cat /proc/$$/oom_score_adj /proc/$$/timerslack_ns
readlink /proc/$$/cwd
for fd in /proc/$$/fd/*; do
  case $fd in */10) ;; *) echo "\${fd##*/} $(readlink $fd) $(grep flags /proc/$$/fdinfo/\${fd##*/})" ;; esac
done
`;

/** A caller that has changed what there is to change, and goes on to the runtime. */
const CALLER = `
mount --bind "$WITNESS" /usr/bin/runc
unset WITNESS OLDPWD
trap '' HUP INT PIPE USR1 XFSZ TERM
umask 027
ulimit -Sn 500
ulimit -Sc 0
echo 123 >/proc/self/oom_score_adj
export STRANGE="$(printf '\\377=\\376')" BUN_OPTIONS=--nonsense LISTEN_FDS=2
cd /usr
exec 3</etc/passwd 4</etc/group 9</tmp
exec "$@"
`;

function makeLinuxBench(witness: string): Bench {
  const bench = makeBench([]);
  writeFileSync(`${bench.folder}/witness`, witness, { mode: 0o755 });
  copyFileSync("/bin/busybox", `${bench.rootfs}/busybox`);
  bench.configure(({ process }) => {
    process.args = ["/busybox"];
  });
  return bench;
}

const PRIVATE_MOUNTS = ["unshare", "-m", "--propagation", "private"];

test.serial("runc is called with its caller's arguments, variables, descriptors, limits and signals", (t) => {
  using bench = makeLinuxBench(WITNESS);
  mkdirSync(`${bench.root}/other`, { recursive: true });
  const said = (runtime: string, args: readonly string[]): string => {
    const { exitCode, stdout, stderr } = Bun.spawnSync({
      cmd: [...PRIVATE_MOUNTS, "bash", "-c", CALLER, "sh", runtime, ...args],
      stdin: "ignore",
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", WITNESS: `${bench.folder}/witness` },
    });
    t.is(exitCode, 0, stderr.toString());
    return stdout.toString("latin1").replace(/(pipe|socket):\[\d+\]/g, "$1");
  };
  const calls = [
    ["create", "--bundle", bench.bundle, "--preserve-fds", "2", "new"],
    ["run", "--preserve-fds=2", "--bundle", bench.bundle, "new"],
    ["exec", "--process", "/nowhere", "--preserve-fds", "7", "other", "--", "\u00e9", ""],
    ["checkpoint", "--status-fd", "9", "other"],
    ["kill", "--all", "other", "9"],
    ["delete", "other"],
    ["state", "other"],
    ["update", "--resources", "-", "other"],
  ];
  for (const call of calls) {
    const args = ["--root", bench.root, "--debug", ...call];
    const direct = said("/usr/bin/runc", args);
    t.regex(direct, /^9 \/tmp /m);
    t.regex(direct, /^STRANGE=\xff=\xfe$/m);
    t.is(said(unikrun, args), direct, call.join(" "));
  }
});

test.serial("a container that crun made is crun's, though runc has been installed since", (t) => {
  using bench = makeLinuxBench("#!/bin/sh\necho called as runc\n");
  for (const folder of ["proc", "dev"]) mkdirSync(`${bench.rootfs}/${folder}`);
  bench.configure((config) => {
    config.process.args = ["/busybox", "sleep", "1000"];
    Object.assign(config, { mounts: [{ destination: "/proc", type: "proc", source: "proc" }] });
  });
  // crun does not start where there are hierarchies of both kinds, and leaves folders where the second was.
  const unified = "/sys/fs/cgroup/unified";
  const create = `umount ${unified} 2>/dev/null && mount -t tmpfs none ${unified}; exec crun --root ${bench.root} create -b ${bench.bundle} x </dev/null >${bench.folder}/said 2>&1`;
  t.is(
    Bun.spawnSync([...PRIVATE_MOUNTS, "sh", "-c", create]).exitCode,
    0,
    readFileSync(`${bench.folder}/said`, "utf8"),
  );
  // Before the bench goes, and with it what crun knows of it.
  using undo = new DisposableStack();
  undo.defer(() => Bun.spawnSync(["crun", "--root", bench.root, "delete", "--force", "x"]));
  const caller = `mount --bind ${bench.folder}/witness /usr/bin/runc && exec ${unikrun} --root ${bench.root} state x`;
  const { stdout } = Bun.spawnSync([...PRIVATE_MOUNTS, "sh", "-c", caller]);
  t.is(JSON.parse(stdout.toString()).status, "created");
});

test.serial("an id that only runc takes is runc's", (t) => {
  using bench = makeLinuxBench("");
  const call = (runtime: string, ...args: string[]): [number | null, string] => {
    const { exitCode, stdout, stderr } = Bun.spawnSync([runtime, "--root", bench.root, ...args]);
    return [exitCode, `${stdout}${stderr}`.replace(/time="[^"]*"/g, "")];
  };
  for (const id of ["a,b", "../x", "a b"])
    for (const verb of ["state", "kill", "delete"])
      t.deepEqual(call(unikrun, verb, id), call("runc", verb, id), `${verb} ${id}`);
});

test.serial("with neither runc nor crun the error says so, and features speaks of unikernels alone", (t) => {
  using bench = makeLinuxBench("");
  const [above, work] = [`${bench.folder}/above`, `${bench.folder}/work`];
  for (const folder of [above, work]) mkdirSync(folder);
  const without = `mount -t overlay none -o lowerdir=/usr/bin,upperdir=${above},workdir=${work} /usr/bin && rm -f /usr/bin/runc /usr/bin/crun && mount -t tmpfs none /usr/sbin && `;
  const call = (command: string) =>
    Bun.spawnSync([...PRIVATE_MOUNTS, "sh", "-c", `${without} exec ${unikrun} ${command}`]);
  const { exitCode, stderr } = call(`--root ${bench.root} create --bundle ${bench.bundle} x`);
  t.is(exitCode, 1);
  t.regex(stderr.toString(), /is not a unikernel, and there is neither runc nor crun on this host/);
  t.false(JSON.parse(call("features").stdout.toString()).linux.seccomp.enabled);
});

test.serial("a unikrun that stands where runc was does not call itself", (t) => {
  using bench = makeLinuxBench("");
  const caller = `mount --bind ${unikrun} /usr/bin/runc && exec timeout 20 runc create x`;
  const { exitCode } = Bun.spawnSync({
    cmd: [...PRIVATE_MOUNTS, "sh", "-c", caller],
    cwd: bench.bundle,
    stdio: ["ignore", "ignore", "ignore"],
  });
  t.not(exitCode, 124);
});

test.serial("where no --root is given, runc is told of unikrun's own", (t) => {
  using bench = makeLinuxBench('#!/bin/sh\necho "$@"\n');
  const caller = `mount --bind ${bench.folder}/witness /usr/bin/runc && exec ${unikrun} create x`;
  const { stdout } = Bun.spawnSync({
    cmd: [...PRIVATE_MOUNTS, "sh", "-c", caller],
    cwd: bench.bundle,
    env: { ...process.env, XDG_RUNTIME_DIR: "/nowhere" },
  });
  t.is(stdout.toString(), "--root /run/unikrun create x\n");
});
