/** A swarm of one node with all of the routing mesh: IPVS, which kernels of the other tests do not have. */
import test from "ava";
import { eventually, httpGet, inHost, inspect, succeed } from "./harness.ts";

const CONFIG = "/etc/docker/daemon.json";
const TASKS = "docker ps -aq --filter label=com.docker.swarm.service.name=web";

/** dockerd keeps what it had where the file does not say. */
const useRuntime = (name: string): string =>
  succeed(
    `jq '."default-runtime" = "${name}"' ${CONFIG}.before >${CONFIG} && systemctl reload docker &&
    until [ "$(docker info -f '{{.DefaultRuntime}}')" = ${name} ]; do sleep 1; done`,
  );

test("a service's published port is answered by each of its guests, and nothing is left of it", async (t) => {
  // dockerd runs iptables some forty times, each of which takes seconds where others are busy.
  t.timeout(30 * 60_000);
  const seen = (): string => succeed("ls /run/docker/runtime-runc/moby; ip -o link | grep -c ' uk'; true");
  const before = seen();
  t.teardown(() => {
    inHost("docker swarm leave --force; docker network rm docker_gwbridge");
    useRuntime("runc");
    succeed(`mv ${CONFIG}.before ${CONFIG}`);
  });
  succeed(`cp -p ${CONFIG} ${CONFIG}.before`);
  useRuntime("unikrun");
  succeed("docker swarm init --advertise-addr 10.0.2.15");
  // By its id, which nobody looks for in a registry. It returns when both run.
  const options = "--quiet --name web --replicas 2 --publish 8090:80";
  succeed(`timeout 900 docker service create ${options} $(docker image inspect -f '{{.Id}}' probe) http 80`);
  const tasks = succeed(TASKS).split("\n");
  t.is(tasks.length, 2);
  for (const task of tasks) t.is(inspect(task, "{{.HostConfig.Runtime}}"), "unikrun");
  // The mesh takes one after the other.
  const answered = new Set<string>();
  await eventually("both", async () => {
    answered.add(/^hostname: (\S+)$/m.exec(await httpGet("http://127.0.0.1:8090/"))?.[1] ?? "");
    return answered.size === tasks.length ? true : undefined;
  });
  t.deepEqual([...answered].sort(), tasks.sort());
  succeed(`docker service rm web; until [ -z "$(${TASKS})" ]; do sleep 2; done`);
  t.is(seen(), before);
});
