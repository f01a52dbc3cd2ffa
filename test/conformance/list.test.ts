/** `unikrun list` and the verbs for people, on a host whose engines' folders are the test's own. */
import { mkdirSync, writeFileSync } from "node:fs";
import test from "ava";
import { callWith } from "./engine-folders.ts";
import { type Bench, makeBench, unikrun } from "./harness.ts";

const DOCKER = "/run/docker/runtime-unikrun/moby";

/** Docker's and Podman's names for their containers are in files of theirs. */
function created(about: "docker" | "podman" | "pod", name: string): Bench {
  const bench = makeBench(["sleep", "1000"]);
  if (about === "docker") {
    const own = `${bench.folder}/containers/${bench.id}`;
    mkdirSync(own, { recursive: true });
    writeFileSync(`${own}/config.v2.json`, JSON.stringify({ Name: `/${name}` }));
    writeFileSync(`${own}/hosts`, "");
    const mount = { destination: "/etc/hosts", type: "bind", source: `${own}/hosts`, options: ["rbind"] };
    bench.configure((config) => Object.assign(config, { mounts: [mount] }));
  }
  if (about === "podman")
    bench.configure((config) =>
      Object.assign(config, { annotations: { "io.container.manager": "libpod", "nerdctl/name": name } }),
    );
  if (about === "pod")
    bench.configure((config) =>
      Object.assign(config, {
        annotations: {
          "io.kubernetes.cri.container-name": name,
          "io.kubernetes.cri.sandbox-namespace": "default",
          "io.kubernetes.cri.sandbox-name": "web-1",
        },
      }),
    );
  const { code, stderr } = bench.call("create");
  if (code !== 0) throw new Error(stderr);
  return bench;
}

test.serial("list has the containers of all engines, by the names that people gave them", (t) => {
  using docker = created("docker", "shop");
  using podman = created("podman", "db");
  using pod = created("pod", "front");
  const places = { [DOCKER]: docker, "/run/unikrun": podman, "/run/containerd/runc/k8s.io": pod };
  const { code, stdout, stderr } = callWith(places, "list");
  t.is(code, 0, stderr);
  t.is(stdout.split("\n")[0]?.replace(/ +/g, " "), "NAME STATE GUEST MEMORY ACCEL ENGINE ID");
  const line = (name: string, engine: string) =>
    new RegExp(`^${name} +created +rumprun +\\d+ MiB +(kvm|tcg) +${engine} +test-`, "m");
  t.regex(stdout, line("shop", "docker"));
  t.regex(stdout, line("db", "podman"));
  t.regex(stdout, line("web-1/front", "kubernetes"));
  const listed = JSON.parse(callWith(places, "list", "--format", "json").stdout);
  t.like(
    listed.find((each: { id: string }) => each.id === docker.id),
    { name: "shop", engine: "docker", root: DOCKER, status: "created", guest: "rumprun", owner: "root" },
  );
  t.deepEqual(callWith(places, "list", "-q").stdout.trim().split("\n").sort(), [
    docker.id,
    podman.id,
    pod.id,
  ]);
  t.is(callWith(places, "--root", DOCKER, "list", "-q").stdout, `${docker.id}\n`);
  t.regex(callWith(places, "--root", DOCKER, "list").stdout, /^ID +PID +STATUS +BUNDLE +CREATED +OWNER$/m);
});

test.serial("no line of it is wider than the terminal", (t) => {
  using bench = created("docker", "a-name-that-is-longer-than-what-is-left-of-the-line");
  for (const columns of [70, 40]) {
    const inner = `stty cols ${columns}; mount -t tmpfs test /run && mkdir -p ${DOCKER} && mount --bind ${bench.root} ${DOCKER} && ${unikrun} list`;
    const { stdout } = Bun.spawnSync(["script", "-qec", `unshare --mount sh -c '${inner}'`, "/dev/null"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const lines = stdout.toString().split(/\r?\n/).filter(Boolean);
    t.is(lines.length, 2, stdout.toString());
    for (const line of lines) t.true(line.length <= columns, line);
    t.regex(lines[1] ?? "", /^a-name-[\w-]*… +created +rumprun/);
  }
});

test.serial("verbs for people take names and short ids of any engine; engines' verbs do not", (t) => {
  using docker = created("docker", "shop");
  using podman = created("podman", "shop");
  const places = { [DOCKER]: docker, "/run/unikrun": podman };
  const alone = { [DOCKER]: docker };
  t.regex(callWith(alone, "status", "shop").stdout, new RegExp(`^id +${docker.id}$`, "m"));
  t.regex(callWith(alone, "status", docker.id.slice(0, -1)).stdout, /^status +created$/m);
  const { stdout } = callWith(alone, "inspect", "shop");
  t.regex(stdout, /^status +created$/m);
  t.regex(stdout, /^file +\/probe\.bin$/m);
  t.like(JSON.parse(callWith(alone, "inspect", "--json", "shop").stdout), {
    id: docker.id,
    root: DOCKER,
    file: { kind: "guest", family: "rumprun" },
  });
  const several = callWith(places, "status", "shop");
  t.is(several.code, 1);
  t.regex(several.stderr, /Several containers are called shop: .*\(docker\).*Give more of the id\.$/m);
  t.regex(callWith(places, "status", "nobody").stderr, /is called "nobody" here: see unikrun list,/);
  for (const verb of ["state", "start", "kill", "delete"])
    t.regex(callWith(alone, verb, "shop").stderr, /container shop does not exist/, verb);
  t.regex(callWith(alone, "--root", DOCKER, "status", "shop").stderr, /container shop does not exist/);
});
