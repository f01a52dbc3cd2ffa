/** Linux containers under unikrun on a whole host: as under runc and crun, by Docker, and by the engines of an ordinary user. */
import test, { type ExecutionContext } from "ava";
import { inHost, type Outcome, quote, succeed, uniqueName } from "./harness.ts";

/** What a container can see of how it is kept. Podman's mounts come in any order. */
const SEEN = [
  "grep -E '^(Cap|Seccomp|NoNewPrivs|Sig[BI]|Groups)' /proc/self/status",
  "cat /proc/self/attr/current /proc/self/oom_score_adj /proc/self/uid_map",
  "ulimit -a; umask; cat /proc/self/cgroup",
  "cd /sys/fs/cgroup && head -n 1 memory.max memory.high memory.swap.max cpu.max cpu.weight pids.max",
  "sed 's/^[0-9 :]*//; s/[0-9a-f]\\{64\\}/ID/g; s/master:[0-9]*//; s/[A-Z0-9]\\{26\\}/LAYER/g' /proc/self/mountinfo | sort",
].join("; ");

const BUSYBOX = `folder=$(mktemp -d) && mkdir $folder/bin $folder/tmp && cp /bin/busybox $folder/bin &&
for name in $(busybox --list); do [ $name = busybox ] || ln -s busybox $folder/bin/$name; done &&
tar -C $folder -cf /tmp/busybox.tar . && rm -r $folder`;

test.before(() => {
  succeed(`${BUSYBOX}; docker import - busybox </tmp/busybox.tar`);
  succeed("podman import - busybox </tmp/busybox.tar", { user: "alice" });
});

const podman = (...args: readonly string[]): Outcome =>
  inHost(`cd && podman ${args.map(quote).join(" ")}`, { user: "alice" });

type Run = (runtime: string) => Outcome;

/** The same from both runtimes, and so what ours says. */
function same(t: ExecutionContext, run: Run, other = "runc"): Outcome {
  const ours = run("unikrun");
  t.deepEqual(ours, run(other));
  return ours;
}

const dockerRun =
  (options: readonly string[], ...args: readonly string[]): Run =>
  (runtime) =>
    inHost(
      `docker run --rm --runtime=${runtime} --hostname=h ${[...options, "busybox", ...args].map(quote).join(" ")}`,
    );

test.serial(
  "Docker: capabilities, seccomp, AppArmor, limits and mounts of a container are as by runc",
  (t) => {
    const options = ["--memory=100m", "--cpus=0.5", "--pids-limit=50", "--ulimit=nofile=100:200"];
    const { code, stdout } = same(t, dockerRun(options, "sh", "-c", SEEN));
    t.is(code, 0);
    t.regex(stdout, /^docker-default \(enforce\)$/m);
    t.regex(stdout, /^104857600$/m);
  },
);

test.serial("Docker: so are those of a privileged one", (t) => {
  t.regex(same(t, dockerRun(["--privileged"], "sh", "-c", SEEN)).stdout, /^unconfined$/m);
});

test.serial("Docker: -v FOLDER:/x:ro is read-only below, too, and bind-recursive=readonly works", (t) => {
  succeed("mkdir -p /srv/tree/below && mount -t tmpfs tmpfs /srv/tree/below");
  t.teardown(() => inHost("umount /srv/tree/below; rm -r /srv/tree"));
  const recursive = "readonly,bind-recursive=readonly,bind-propagation=rprivate";
  const mounts = ["-v", "/srv/tree:/x:ro", "--mount", `type=bind,src=/srv/tree,dst=/y,${recursive}`];
  const { stderr } = same(t, dockerRun(mounts, "sh", "-c", "touch /x/below/file; touch /y/below/file"));
  t.is(stderr.match(/Read-only file system/g)?.length, 2, stderr);
});

for (const [other, options] of [
  ["crun", []],
  ["runc", ["--memory=100m", "--pids-limit=50", "--read-only", "--userns=keep-id"]],
] as const)
  test.serial(`rootless Podman: a Linux container is as by ${other}`, (t) => {
    succeed(`mkdir -p /etc/unikrun && echo '{"runtime":"/usr/bin/${other}"}' >/etc/unikrun/config.json`);
    t.teardown(() => inHost("rm -f /etc/unikrun/config.json"));
    const run: Run = (runtime) =>
      podman("--runtime", runtime, "run", "--rm", "--hostname=h", ...options, "busybox", "sh", "-c", SEEN);
    t.is(same(t, run, other).code, 0);
  });

test.serial("rootless Podman: a Linux container's life, and nothing is left of it", (t) => {
  const name = uniqueName("life");
  t.teardown(() => podman("rm", "-ft0", name));
  const script = quote("trap 'exit 5' TERM; sleep 1000 & wait");
  const said = succeed(
    `cd; set -e; run="podman --runtime unikrun"
    $run run -d --name ${name} busybox sh -c ${script} >/dev/null
    $run exec ${name} echo inside
    $run pause ${name} && $run unpause ${name} && $run stop ${name}
    $run inspect -f '{{.State.ExitCode}}' ${name}
    $run rm ${name} >/dev/null
    ls $XDG_RUNTIME_DIR/unikrun`,
    { user: "alice" },
  );
  t.deepEqual(
    said.split("\n").filter((line) => line !== name),
    ["inside", "5"],
  );
});

test.serial("rootless Docker: a Linux container is as by runc", (t) => {
  t.teardown(() => inHost("systemctl --user stop rootless-docker", { user: "alice" }));
  const daemon =
    "/usr/share/docker.io/contrib/dockerd-rootless.sh --add-runtime unikrun=/usr/bin/unikrun --iptables=false --ip6tables=false --bridge=none";
  succeed(
    `systemd-run --user --unit rootless-docker --setenv=PATH=/usr/sbin:/sbin:$PATH sh ${daemon}
    for try in $(seq 90); do docker -H unix://$XDG_RUNTIME_DIR/docker.sock version && break; sleep 1; done
    docker -H unix://$XDG_RUNTIME_DIR/docker.sock import - busybox </tmp/busybox.tar`,
    { user: "alice" },
  );
  const docker = (...args: readonly string[]): Outcome =>
    inHost(`docker -H unix://$XDG_RUNTIME_DIR/docker.sock ${args.map(quote).join(" ")}`, { user: "alice" });
  const base = ["run", "--rm", "--network=none", "--hostname=h"];
  const run: Run = (runtime) =>
    docker(...base, `--runtime=${runtime}`, "--memory=100m", "busybox", "sh", "-c", SEEN);
  t.is(same(t, run).code, 0);
});

test.serial(
  "an ordinary user's unikrun check says from where unikernels can be run, and features, list and state answer",
  (t) => {
    const user = { user: "alice" } as const;
    const checked = inHost("unikrun check --json", user);
    t.is(checked.code, 1);
    t.like(JSON.parse(checked.stdout).findings[0], { status: "missing", subject: "root" });
    t.true(JSON.parse(succeed("unikrun features", user)).mountOptions.includes("rro"));
    t.is(succeed("unikrun list -q", user), "");
    t.regex(inHost("unikrun state nobody", user).stderr, /does not exist in \/run\/user\/\d+\/unikrun/);
  },
);
