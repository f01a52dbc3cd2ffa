import test, { type ExecutionContext } from "ava";
import { readIfThere } from "../proc.ts";
import { type Cast, type Cluster, type Role, roles, startCluster } from "./cluster/compose.ts";
import { busyboxImage, docker, endpoint, inspect, succeed } from "./harness.ts";

const unikernels: Cast = { nginx: "probe", php: "probe", mysql: "probe" };
/** The roles of the distribution's programs beside unikernels. */
const mixes: readonly (readonly Role[])[] = [
  ["nginx"],
  ["php"],
  ["mysql"],
  ["nginx", "php"],
  ["nginx", "mysql"],
  ["php", "mysql"],
];

let cluster: Cluster;
test.before(() => {
  cluster = startCluster(unikernels);
});
test.after.always(() => cluster?.remove());

/** Each of them has said its name, or, asked by the probe, MariaDB its version. */
function wentThroughAll(t: ExecutionContext, answer: string): void {
  t.regex(answer, /^nginx$/m);
  t.regex(answer, /^php$/m);
  t.regex(answer, /^mysql$|MariaDB/m);
}

function counter(answer: string): number {
  return Number(/^counter (\d+)$/m.exec(answer)?.[1]);
}

test.serial("a request to the published port goes through three unikernels, by name", async (t) => {
  wentThroughAll(t, await cluster.visit());
});

test.serial("a folder of the host is served", async (t) => {
  t.regex(await cluster.visit("/static/www/index.html"), /This page comes from a unikernel/);
});

test.serial("the database goes on counting after a restart, and in a new container", async (t) => {
  const first = counter(await cluster.visit());
  // More than one, if the guest counted before it could answer.
  const next = counter(await cluster.visit());
  t.true(next > first, `${next} after ${first}`);
  cluster.compose("restart", "mysql");
  const second = counter(await cluster.visit());
  t.true(second > next, `${second} after ${next}`);
  cluster.compose("rm", "-sf", "mysql");
  cluster.compose("up", "-d", "--no-build", "mysql");
  const third = counter(await cluster.visit());
  t.true(third > second, `${third} after ${second}`);
});

for (const role of roles)
  test.serial(`a restart of ${role} is survived`, async (t) => {
    cluster.compose("restart", role);
    wentThroughAll(t, await cluster.visit());
  });

for (const role of roles)
  test.serial(`${role} is found when it comes back with another address`, async (t) => {
    const container = cluster.compose("ps", "-q", role);
    const network = inspect(container, "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}}{{end}}");
    const { IPAddress } = endpoint(container, network);
    cluster.compose("stop", role);
    const squatter = `${cluster.name}-squatter`;
    t.teardown(() => docker("rm", "-f", squatter));
    const run = ["docker", "run", "-d", "--name", squatter, "--network", network, "--ip", IPAddress];
    succeed([...run, busyboxImage(), "sleep", "1000"]);
    cluster.compose("start", role);
    t.not(endpoint(container, network).IPAddress, IPAddress);
    wentThroughAll(t, await cluster.visit());
  });

test.serial("down takes all of it away", async (t) => {
  const { name, compose } = cluster;
  const containers = compose("ps", "-q").split("\n");
  t.is(containers.length, 3);
  const processes = containers.map((container) => inspect(container, "{{.State.Pid}}"));
  compose("down", "-v");
  const label = ["--filter", `label=com.docker.compose.project=${name}`];
  const left = [
    ["ps", "-a"],
    ["network", "ls"],
    ["volume", "ls"],
  ].map((list) => succeed(["docker", ...list, "-q", ...label]));
  t.deepEqual(left, ["", "", ""]);
  t.deepEqual(
    processes.filter((pid) => readIfThere(`/proc/${pid}/stat`) !== ""),
    [],
  );
});

async function answersWith(t: ExecutionContext, real: readonly Role[]): Promise<void> {
  const kind = (role: Role) => (real.includes(role) ? "real" : "probe");
  const mix = startCluster({ nginx: kind("nginx"), php: kind("php"), mysql: kind("mysql") });
  t.teardown(mix.remove);
  wentThroughAll(t, await mix.visit());
}

for (const real of mixes)
  test.serial(`unikernels answer together with the real ${real.join(" and ")} in runc containers`, (t) =>
    answersWith(t, real),
  );

test.serial("the real nginx, php and mysql answer together in runc containers, by the same file", (t) =>
  answersWith(t, roles),
);
