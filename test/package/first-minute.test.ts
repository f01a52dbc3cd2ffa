/** What somebody does who has read README's first lines. */
import { existsSync } from "node:fs";
import test from "ava";
import { command, docker, eventually, probeImage, succeed } from "../engine/harness.ts";
import { firstCommands } from "./first-commands.ts";
import { download, forget, released, take, traces, type } from "./host.ts";

test.serial("README's five commands lead from the package to a guest's answer, and three back", async (t) => {
  t.teardown(forget);
  t.deepEqual(traces(), []);
  t.false(existsSync("/usr/bin/qemu-system-x86_64"));
  download(released);
  succeed(["docker", "tag", probeImage(), "my/probe"]);
  succeed([
    "sh",
    "-c",
    'printf \'FROM my/probe\\nCMD ["http", "80"]\\n\' | docker build -q -t my/unikernel -',
  ]);
  succeed(["useradd", "--groups", "docker", "somebody"]);
  t.teardown(() => command(["userdel", "somebody"]));

  const commands = firstCommands(released);
  t.is(commands.length, 5);
  const asks = commands.pop();
  for (const { isRoot, line } of commands) {
    const { code, stdout, stderr } = type(line, isRoot ? "root" : "somebody");
    t.is(code, 0, `${line}: ${stdout}${stderr}`);
  }
  const page = await eventually("the guest's answer", () => {
    const { code, stdout } = type(asks?.line ?? "", "somebody");
    return code === 0 ? stdout : undefined;
  });
  t.regex(page, /probe/);

  const [container = ""] = succeed(["docker", "ps", "-q"]).split("\n");
  t.is(docker("rm", "-f", container).code, 0);
  t.is(type("unikrun uninstall").code, 0);
  t.false(existsSync("/etc/docker/daemon.json"));
  const { code, said } = take("purge");
  t.is(code, 0, said);
  t.notRegex(said, /unikrun: /);
  t.deepEqual(traces(), []);
});
