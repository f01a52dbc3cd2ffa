/** Terminals, and output and input of some size. */
import test from "ava";
import {
  command,
  docker,
  eventually,
  inspect,
  probeImage,
  startProbe,
  succeed,
  waitForEnd,
} from "./harness.ts";
import { onTerminal } from "./table/answers.ts";

const isInMain = (name: string) =>
  eventually("the program", () => docker("logs", name).stdout.includes("main()") || undefined);

/** Rows and columns of the container's terminal, as its init has it. */
const sizeOf = (name: string): string =>
  succeed(["stty", "-F", `/proc/${inspect(name, "{{.State.Pid}}")}/fd/0`, "size"]);

test("the terminal has the size of the user's, and takes another", async (t) => {
  const name = `sized-${process.pid}`;
  t.teardown(() => docker("rm", "-f", name));
  const run = `docker run -it --name ${name} --runtime=unikrun ${probeImage()} cat`;
  const terminal = onTerminal(`sh -c 'stty rows 41 cols 99; exec ${run}'`, [[/enough/, "quit\r"]]);
  await eventually("the size", () => sizeOf(name) === "41 99" || undefined);
  const socket = (process.env.DOCKER_HOST ?? "").replace("unix://", "");
  const resized = await fetch(`http://docker/containers/${name}/resize?h=50&w=120`, {
    method: "POST",
    unix: socket,
  });
  t.is(resized.status, 200);
  t.is(sizeOf(name), "50 120");
  succeed(["docker", "kill", name]);
  t.is((await terminal).code, 137);
});

test("the detach keys leave the guest running, and attach comes back to it", async (t) => {
  const name = startProbe(t, { args: ["cat"], options: ["-it"] });
  await isInMain(name);
  const attach = `sh -c 'echo ready; exec docker attach ${name}'`;
  const left = await onTerminal(attach, [
    [/ready/, "one\r"],
    [/one[\s\S]*\none/, "\x10\x11"],
  ]);
  t.regex(left.shown, /one/);
  t.is(inspect(name, "{{.State.Running}}"), "true");
  const { code } = await onTerminal(attach, [
    [/ready/, "two\r"],
    [/two[\s\S]*\ntwo/, "quit\r"],
  ]);
  t.is(code, 0);
  t.is(waitForEnd(name), 0);
  t.regex(docker("logs", name).stdout, /one[\s\S]*two[\s\S]*halted\r?\n$/);
});

test("a long log is complete and in order, to the last line of a guest that dies", (t) => {
  // A serial line is slow where it is emulated; UNIKRUN_LOG_LINES=9000000 makes 100 MB.
  const lines = Number(process.env.UNIKRUN_LOG_LINES ?? 40_000);
  const name = startProbe(t, { args: ["print", String(lines)] });
  t.is(waitForEnd(name), 0);
  const printed = succeed([
    "sh",
    "-c",
    `docker logs ${name} | grep -E '^line [0-9]+.?$' | tr -d '\\r' | cksum`,
  ]);
  t.is(printed, succeed(["sh", "-c", `seq -f 'line %.0f' ${lines} | cksum`]));
  t.regex(succeed(["docker", "logs", "--tail", "1", name]), /^halted$/);
});

test("what is piped to a guest arrives whole and in order", (t) => {
  const lines = Array.from({ length: 1500 }, (_, index) => `this is line ${index} of what is piped`);
  const run = ["timeout", "60", "docker", "run", "--rm", "-i", "--runtime=unikrun", probeImage(), "cat"];
  const { code, stdout } = command(run, `${lines.join("\n")}\nquit\n`);
  t.is(code, 0);
  t.deepEqual(
    stdout.split(/\r?\n/).filter((line) => line.startsWith("this is")),
    lines,
  );
});
