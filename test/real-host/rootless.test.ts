/** Unikernels by the engines of an ordinary user: Podman with each of its networks, and Docker. */
import test from "ava";
import { isRow } from "../troubleshooting.ts";
import { eventually, inHost, type Outcome, quote, succeed, uniqueName } from "./harness.ts";

const USER = { user: "alice" } as const;
const PROBE = "docker.io/library/probe";
const GREETING = /the unikrun probe guest/;
const TCG = "--annotation=org.unikrun.accelerator=tcg";

const engineCall =
  (engine: string) =>
  (...args: readonly string[]): Outcome =>
    inHost(`cd && ${engine} ${args.map(quote).join(" ")}`, USER);

type Call = ReturnType<typeof engineCall>;

/** What it printed; it must not fail. */
function done(call: Call, ...args: readonly string[]): string {
  const { code, stdout, stderr } = call(...args);
  if (code !== 0) throw new Error(`${args.join(" ")}: code ${code}: ${stderr}`);
  return stdout.trim();
}

const get = (url: string): Promise<string> =>
  eventually(url, () => {
    const { code, stdout } = inHost(`curl -sSf -m 20 ${quote(url)}`, USER);
    return code === 0 ? stdout : undefined;
  });

/** Files of the cgroup that a container's init is in. */
const cgroupFiles = (call: Call, name: string, files: string): string[] =>
  succeed(
    `cd /sys/fs/cgroup/$(cut -d: -f3 /proc/${done(call, "inspect", "-f", "{{.State.Pid}}", name)}/cgroup) && cat ${files}`,
    USER,
  ).split("\n");

const podman = engineCall("podman");

test.before(() => {
  succeed(`docker save ${PROBE} >/tmp/probe.tar && chmod 644 /tmp/probe.tar`);
  succeed("podman load -q </tmp/probe.tar", USER);
});

test.serial(
  "Podman: a guest's life, with limits by the user's systemd, a published port and a volume",
  async (t) => {
    const name = uniqueName("life");
    t.teardown(() => {
      podman("rm", "-f", "-t", "1", name);
      inHost(`cd && podman unshare rm -rf ${name}`, USER);
    });
    succeed(`mkdir ${name}`, USER);
    const limits = ["--memory=100m", "--pids-limit=40", "--cpus=0.8"];
    const options = [TCG, "--name", name, ...limits, "-v", `./${name}:/data`, "-p", "8080:80"];
    done(podman, "run", "-d", "--runtime=unikrun", ...options, PROBE, "http", "80");
    // pasta connects from inside of the namespace for whoever comes by the host's localhost, and by frames for others.
    t.regex(await get("http://127.0.0.1:8080/"), GREETING);
    t.regex(await get("http://10.0.2.15:8080/"), GREETING);
    t.deepEqual(cgroupFiles(podman, name, "memory.max pids.max cpu.max"), [
      "104857600",
      "40",
      "80000 100000",
    ]);
    t.regex(succeed("unikrun list", USER), new RegExp(`^${name} +running +rumprun`, "m"));
    t.regex(succeed(`unikrun status ${name}`, USER), /^status +running$/m);
    const put = "curl -sSf -m 20 -X PUT --data-binary @- 'http://127.0.0.1:8080/file?path=/data/made&sync=1'";
    succeed(put, { ...USER, stdin: "by the guest" });
    done(podman, "stop", "-t", "60", name);
    t.is(done(podman, "inspect", "-f", "{{.State.ExitCode}}", name), "143");
    done(podman, "start", name);
    t.is(await get("http://127.0.0.1:8080/file?path=/data/made"), "by the guest");
    done(podman, "rm", "-f", "-t", "1", name);
    await eventually("the file", () => (inHost(`test -e ${name}/made`, USER).code === 0 ? true : undefined));
    t.is(succeed(`cat ${name}/made; stat -c ' %U' ${name}/made`, USER), "by the guest alice");
    // Podman's own monitor ends some time after the container that it has removed.
    const left =
      "ls $XDG_RUNTIME_DIR/unikrun; find /sys/fs/cgroup -name 'libpod-*'; pgrep unikrun-init || true";
    await eventually("nothing is left", () => succeed(left, USER) === "" || undefined);
  },
);

test.serial("Podman: a limit whose controller the user was not given is refused in a sentence", (t) => {
  const { code, stderr } = podman(
    "run",
    "--rm",
    "--runtime=unikrun",
    TCG,
    "--cpuset-cpus=0",
    PROBE,
    "exit",
    "7",
  );
  t.is(code, 126);
  t.regex(stderr, /this user was not given the controller cpuset: .*Delegate=cpuset/);
  isRow(t, "this user was not given the controller cpuset", stderr);
});

for (const network of ["slirp4netns", "bridge"])
  test.serial(
    `Podman: a port that is published from a network of ${network} reaches the guest`,
    async (t) => {
      const name = uniqueName("port");
      t.teardown(() => podman("rm", "-f", "-t", "1", name));
      done(
        podman,
        "run",
        "-d",
        "--runtime=unikrun",
        TCG,
        "--name",
        name,
        `--network=${network}`,
        "-p",
        "8081:80",
        PROBE,
        "http",
        "80",
      );
      t.regex(await get("http://127.0.0.1:8081/"), GREETING);
    },
  );

test.serial("Docker: limits, a published port, names and exit code", async (t) => {
  const docker = engineCall("docker -H unix://$XDG_RUNTIME_DIR/docker.sock");
  const [name, network] = [uniqueName("life"), uniqueName("net")];
  t.teardown(() => {
    docker("rm", "-f", name);
    docker("network", "rm", network);
    inHost("systemctl --user stop rootless-docker", USER);
  });
  const daemon = "/usr/share/docker.io/contrib/dockerd-rootless.sh --add-runtime unikrun=/usr/bin/unikrun";
  succeed(
    `systemd-run --user --unit rootless-docker -p Delegate=yes --setenv=PATH=/usr/sbin:/sbin:$PATH sh ${daemon}
    for try in $(seq 90); do docker -H unix://$XDG_RUNTIME_DIR/docker.sock version && break; sleep 1; done`,
    USER,
  );
  succeed("docker -H unix://$XDG_RUNTIME_DIR/docker.sock load -q </tmp/probe.tar", USER);
  done(docker, "network", "create", network);
  const run = ["run", "--runtime=unikrun", TCG, `--network=${network}`];
  done(
    docker,
    ...run,
    "-d",
    "--name",
    name,
    "--memory=100m",
    "--pids-limit=40",
    "-p",
    "8083:80",
    PROBE,
    "http",
    "80",
  );
  t.regex(await get("http://127.0.0.1:8083/"), GREETING);
  t.deepEqual(cgroupFiles(docker, name, "memory.max pids.max"), ["104857600", "40"]);
  t.regex(done(docker, "exec", name, "unikrun", "dns", name), /^172\./);
  t.regex(await get(`http://127.0.0.1:8083/dns?name=${name}`), /172\./);
  t.regex(succeed("unikrun list", USER), new RegExp(`^${name} +running +rumprun`, "m"));
  t.is(docker(...run, "--rm", PROBE, "exit", "7").code, 7);
});
