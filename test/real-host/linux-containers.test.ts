/** Linux containers under unikrun on a whole host: as under runc and crun, by Docker, and by the Podman of an ordinary user. */
import test, { type ExecutionContext } from "ava";
import { docker, inHost, type Outcome, quote, succeed, uniqueName } from "./harness.ts";

/** What a container can see of how it is kept. */
const SEEN = [
  "grep -E '^(Cap|Seccomp|NoNewPrivs|Sig[BI]|Groups)' /proc/self/status",
  "cat /proc/self/attr/current /proc/self/oom_score_adj /proc/self/uid_map",
  "ulimit -a; umask; cat /proc/self/cgroup",
  "cd /sys/fs/cgroup && head -n 1 memory.max memory.high memory.swap.max cpu.max cpu.weight pids.max",
  "sed 's/^[0-9 :]*//; s/[0-9a-f]\\{64\\}/ID/g; s/master:[0-9]*//; s/[A-Z0-9]\\{26\\}/LAYER/g' /proc/self/mountinfo",
].join("; ");

const BUSYBOX = `folder=$(mktemp -d) && mkdir $folder/bin $folder/tmp && cp /bin/busybox $folder/bin &&
for name in $(busybox --list); do [ $name = busybox ] || ln -s busybox $folder/bin/$name; done &&
tar -C $folder -c . && rm -r $folder`;

test.before(() => {
  succeed(`{ ${BUSYBOX}; } | docker import - busybox`);
  succeed(`{ ${BUSYBOX}; } | podman import - busybox`, { user: "alice" });
  succeed("docker save probe >/tmp/probe.tar");
  succeed("podman load </tmp/probe.tar", { user: "alice" });
});

const podman = (...args: readonly string[]): Outcome =>
  inHost(`cd && podman ${args.map(quote).join(" ")}`, { user: "alice" });

function same(
  t: ExecutionContext,
  call: (runtime: string) => Outcome,
  runtimes: readonly [string, string],
): Outcome {
  const [theirs, ours] = runtimes.map(call);
  t.deepEqual(ours, theirs);
  return ours as Outcome;
}

for (const options of [
  [],
  ["--memory=100m", "--cpus=0.5", "--pids-limit=50", "--ulimit=nofile=100:200"],
  ["--cap-drop=ALL", "--security-opt=no-new-privileges", "--user=1:2", "--read-only"],
  ["--privileged"],
])
  test.serial(`Docker: a container with ${options.join(" ") || "no options"} is kept as by runc`, (t) => {
    const run = (runtime: string) =>
      docker("run", "--rm", `--runtime=${runtime}`, "--hostname=h", ...options, "busybox", "sh", "-c", SEEN);
    const { code, stdout } = same(t, run, ["runc", "unikrun"]);
    t.is(code, 0);
    t.regex(stdout, options.includes("--privileged") ? /^unconfined$/m : /^docker-default \(enforce\)$/m);
  });

test.serial(
  "Docker: -v FOLDER:/x:ro is as read-only below as with runc, and bind-recursive=readonly works",
  (t) => {
    succeed("mkdir -p /srv/tree/below && mount -t tmpfs tmpfs /srv/tree/below");
    t.teardown(() => inHost("umount /srv/tree/below; rm -r /srv/tree"));
    for (const mount of [
      ["-v", "/srv/tree:/x:ro"],
      [
        "--mount",
        "type=bind,src=/srv/tree,dst=/x,readonly,bind-recursive=readonly,bind-propagation=rprivate",
      ],
    ]) {
      const run = (runtime: string) =>
        docker("run", "--rm", `--runtime=${runtime}`, ...mount, "busybox", "touch", "/x/below/file");
      t.regex(same(t, run, ["runc", "unikrun"]).stderr, /Read-only file system/);
    }
  },
);

test.serial("rootless Podman: a Linux container is kept as by crun, and by runc", (t) => {
  for (const other of ["crun", "runc"]) {
    succeed(`mkdir -p /etc/unikrun && echo '{"runtime":"/usr/bin/${other}"}' >/etc/unikrun/config.json`);
    t.teardown(() => inHost("rm -f /etc/unikrun/config.json"));
    for (const options of [[], ["--memory=100m", "--pids-limit=50", "--read-only", "--userns=keep-id"]]) {
      const run = (runtime: string) =>
        podman("--runtime", runtime, "run", "--rm", "--hostname=h", ...options, "busybox", "sh", "-c", SEEN);
      t.is(same(t, run, [other, "unikrun"]).code, 0, `${other} ${options.join(" ")}`);
    }
  }
});

test.serial("rootless Podman: a Linux container's life, and nothing is left of it", (t) => {
  const name = uniqueName("life");
  t.teardown(() => podman("rm", "-ft0", name));
  const script = "trap 'exit 5' TERM; sleep 1000 & wait";
  const ok = (...args: readonly string[]): string => {
    const { code, stdout, stderr } = podman("--runtime", "unikrun", ...args);
    t.is(code, 0, `${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  };
  ok("run", "-d", "--name", name, "busybox", "sh", "-c", script);
  t.is(ok("exec", name, "echo", "inside"), "inside");
  t.regex(ok("top", name), /sleep 1000/);
  ok("pause", name);
  ok("unpause", name);
  ok("stop", name);
  t.is(ok("inspect", "-f", "{{.State.ExitCode}}", name), "5");
  ok("rm", name);
  t.is(succeed("ls -A $XDG_RUNTIME_DIR/unikrun", { user: "alice" }), "");
});

test.serial("rootless Podman: a unikernel is refused in a sentence that says why", (t) => {
  const { code, stderr } = podman("--runtime", "unikrun", "run", "--rm", "localhost/probe", "return", "0");
  t.not(code, 0);
  t.regex(stderr, /it is a unikernel, and those can't be run without the host's root yet/);
});

test.serial(
  "an ordinary user's unikrun check says that unikernels need root, and features, list and state answer",
  (t) => {
    const checked = inHost("unikrun check --json", { user: "alice" });
    t.is(checked.code, 1);
    t.like(JSON.parse(checked.stdout).findings[0], { status: "missing", subject: "root" });
    t.true(JSON.parse(succeed("unikrun features", { user: "alice" })).mountOptions.includes("rro"));
    t.is(succeed("unikrun list -q", { user: "alice" }), "");
    t.regex(
      inHost("unikrun state nobody", { user: "alice" }).stderr,
      /does not exist in \/run\/user\/\d+\/unikrun/,
    );
  },
);
