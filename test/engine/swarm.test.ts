/**
 * Services of Docker Swarm. Kernels without ip_vs have no virtual addresses of services, and no way from a host's published port to
 * the routing mesh's namespace; from there on it is as with them (test/real-host/swarm.test.ts has them).
 */
import test from "ava";
import {
  busyboxImage,
  docker,
  endpoint,
  eventually,
  httpGet,
  inspect,
  makeNetwork,
  probeImage,
  succeed,
  uniqueName,
} from "./harness.ts";
import { beginSwarm, getByMesh, startService, tasksOf } from "./swarm.ts";

let endSwarm = async (): Promise<void> => {};
test.before(async () => {
  endSwarm = await beginSwarm();
});
test.after.always(() => endSwarm());

const WEB = { image: probeImage(), args: ["http", "80"] };

const onIngress = (task: string): string => inspect(task, "{{.NetworkSettings.Networks.ingress.IPAddress}}");

const hostOf = (page: string): string => /^hostname: (\S+)$/m.exec(page)?.[1] ?? page;

test.serial("each task answers by its service's published ports, whatever its own is", async (t) => {
  const published = ["8090:80", "8091:80", "80:80"].flatMap((port) => ["--publish", port]);
  const name = await startService(t, { ...WEB, options: ["--replicas", "2", ...published] });
  for (const task of await tasksOf(name)) {
    t.is(inspect(task, "{{.HostConfig.Runtime}}"), "unikrun");
    for (const port of [8090, 8091, 80])
      t.is(hostOf(await getByMesh(`${onIngress(task)}:${port}/`)), task, String(port));
    const bytes = await getByMesh(`${onIngress(task)}:8090/bytes?n=300000`);
    t.is(bytes.length, 300_000);
    const { nics } = JSON.parse(await getByMesh(`${onIngress(task)}:8090/config`));
    const card = nics.find(({ addresses }: { addresses: string[] }) =>
      addresses.includes(`${onIngress(task)}/24`),
    );
    t.is(card.mtu, 1450);
  }
});

test.serial("a port that is published with mode=host is the host's", async (t) => {
  const options = ["--publish", "mode=host,published=8095,target=80"];
  const [task = ""] = await tasksOf(await startService(t, { ...WEB, options }));
  t.is(hostOf(await httpGet("http://127.0.0.1:8095/")), task);
});

test.serial("guests and Linux containers of services find each other, and all tasks, by name", async (t) => {
  const network = makeNetwork(t, "--driver", "overlay");
  const linux = await startService(t, {
    image: busyboxImage(),
    args: ["sh", "-c", "echo I am Linux >/tmp/index.html; httpd -f -p 80 -h /tmp"],
    options: ["--network", network, "--endpoint-mode", "dnsrr"],
  });
  const web = await startService(t, {
    ...WEB,
    options: ["--network", network, "--replicas", "2", "--publish", "8090:80"],
  });
  const [guest = "", other = ""] = await tasksOf(web);
  const ask = (page: string): Promise<string> => getByMesh(`${onIngress(guest)}:8090/${page}`);
  for (const name of [linux, `tasks.${linux}`])
    t.regex(await ask(`connect?host=${name}&path=/index.html`), /I am Linux$/m, name);
  const addresses = [guest, other].map((task) => endpoint(task, network).IPAddress).sort();
  t.deepEqual(
    succeed(["docker", "exec", guest, "unikrun", "dns", `tasks.${web}`])
      .split("\n")
      .sort(),
    addresses,
  );
  const [container = ""] = await tasksOf(linux);
  t.is(inspect(container, "{{.HostConfig.Runtime}}"), "unikrun");
  for (const address of [`tasks.${web}`, ...addresses])
    t.regex(
      succeed(["docker", "exec", container, "wget", "-q", "-O", "-", `http://${address}/`]),
      /^hostname: /m,
    );
});

test.serial("a service is checked, scaled, updated task by task, and its logs are there", async (t) => {
  const check = ["--health-cmd", "unikrun http /", "--health-interval", "500ms", "--health-retries", "20"];
  const secret = uniqueName("secret");
  succeed(["docker", "secret", "create", secret, "-"], "hush");
  t.teardown(() => docker("secret", "rm", secret));
  const options = [...check, "--secret", secret, "--publish", "8090:80"];
  const name = await startService(t, { ...WEB, options });
  const healthOf = (task: string): string => inspect(task, "{{.State.Health.Status}}");
  t.deepEqual((await tasksOf(name)).map(healthOf), ["healthy"]);
  succeed(["docker", "service", "scale", "--detach", `${name}=2`]);
  const before = await tasksOf(name);
  t.deepEqual(before.map(healthOf), ["healthy", "healthy"]);
  const change = ["--env-add", "COLOUR=blue", "--update-delay", "0s"];
  succeed(["docker", "service", "update", "--detach", ...change, name]);
  const isUpdated = (): boolean => inspect(name, "{{.UpdateStatus.State}}") === "completed";
  await eventually("the update", () => isUpdated() || undefined, { timeout: 120_000 });
  const after = await tasksOf(name);
  t.true(after.every((task) => !before.includes(task)));
  for (const task of after) {
    t.is(await getByMesh(`${onIngress(task)}:8090/file?path=/run/secrets/${secret}`), "hush");
    t.regex(await getByMesh(`${onIngress(task)}:8090/config`), /"COLOUR":\s*"blue"|COLOUR=blue/);
  }
  const columns = ["--no-trunc", "--format", "{{.CurrentState}} {{.Error}}"];
  const states = succeed(["docker", "service", "ps", ...columns, name]);
  t.is(states.split("\n").length, 4);
  t.notRegex(states, /failed|rejected|error/i);
  t.regex(succeed(["docker", "service", "logs", name]), /probe: serving HTTP on port 80/);
});
