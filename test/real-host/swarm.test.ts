/** A swarm of one node with all of the routing mesh: IPVS, which kernels of the other tests do not have. */
import test from "ava";
import { docker, eventually, httpGet, inHost, inspect, succeed } from "./harness.ts";

const CONFIG = "/etc/docker/daemon.json";
const LABEL = "com.docker.swarm.service.name=web";
/** So long takes what dockerd does with iptables for a task here. */
const MINUTES = 6 * 60_000;

test("a service's published port is answered by each of its guests, and nothing is left of it", async (t) => {
  t.timeout(2 * MINUTES);
  const seen = (): string => succeed("ls /run/docker/runtime-runc/moby; ip -o link | grep -c ' uk'; true");
  const before = seen();
  t.teardown(() => {
    inHost(`docker swarm leave --force; docker network rm docker_gwbridge`);
    succeed(`mv ${CONFIG}.before ${CONFIG} && systemctl reload docker`);
  });
  succeed(`cp -p ${CONFIG} ${CONFIG}.before`);
  succeed(`jq '."default-runtime" = "unikrun"' ${CONFIG}.before >${CONFIG} && systemctl reload docker`);
  succeed("docker swarm init --advertise-addr 10.0.2.15");
  // By its id, which nobody looks for in a registry.
  const options = "--quiet --detach --name web --replicas 2 --publish 8090:80";
  succeed(`docker service create ${options} $(docker image inspect -f '{{.Id}}' probe) http 80`);
  const tasks = await eventually(
    "the tasks",
    () => {
      const ids = succeed(`docker ps -q --filter label=${LABEL}`).split("\n");
      return succeed("docker service ls --format '{{.Replicas}}'") === "2/2" ? ids : undefined;
    },
    MINUTES,
  );
  for (const task of tasks) t.is(inspect(task, "{{.HostConfig.Runtime}}"), "unikrun");
  // Round robin.
  const answered = new Set<string>();
  await eventually("both", async () => {
    answered.add(/^hostname: (\S+)$/m.exec(await httpGet("http://127.0.0.1:8090/"))?.[1] ?? "");
    return answered.size === tasks.length ? true : undefined;
  });
  t.deepEqual([...answered].sort(), [...tasks].sort());
  docker("service", "rm", "web");
  await eventually(
    "their end",
    () => (succeed(`docker ps -aq --filter label=${LABEL}`) === "" ? true : undefined),
    MINUTES,
  );
  t.is(seen(), before);
});
