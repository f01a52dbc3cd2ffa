import test from "ava";
import { busyboxImage, docker, succeed, uniqueName } from "./harness.ts";

test("what is no unikernel runs through runc: output and exit code", (t) => {
  const { code, stdout } = docker("run", "--rm", "--runtime=unikrun", busyboxImage(), "echo", "hi");
  t.is(stdout, "hi\n");
  t.is(code, 0);
  t.is(docker("run", "--rm", "--runtime=unikrun", busyboxImage(), "sh", "-c", "exit 3").code, 3);
});

test("every later verb goes there as well: exec, top, pause, stop, start, rm", (t) => {
  const name = uniqueName("delegate");
  t.teardown(() => docker("rm", "-f", name));
  const forever = ["sh", "-c", "trap 'exit 5' TERM; sleep 1000 & wait"];
  succeed(["docker", "run", "-d", "--runtime=unikrun", "--name", name, busyboxImage(), ...forever]);
  t.is(docker("exec", name, "echo", "inside").stdout, "inside\n");
  t.regex(docker("top", name).stdout, /sleep 1000/);
  t.is(docker("pause", name).code, 0);
  t.is(docker("unpause", name).code, 0);
  t.is(docker("stop", name).code, 0);
  t.is(succeed(["docker", "inspect", "-f", "{{.State.ExitCode}}", name]), "5");
  t.is(docker("start", name).code, 0);
  t.is(docker("rm", "-f", name).code, 0);
});
