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
  uniqueName,
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
  // The client may not have told its own yet.
  await eventually("another size", async () => {
    const url = `http://docker/containers/${name}/resize?h=50&w=120`;
    t.is((await fetch(url, { method: "POST", unix: socket })).status, 200);
    return sizeOf(name) === "50 120" || undefined;
  });
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
  // Those take 20 minutes and more.
  t.timeout(3_600_000);
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

for (const [proxies, left] of [
  ["true", "exited 143"],
  ["false", "running 0"],
] as const)
  test(`a signal to docker attach --sig-proxy=${proxies} leaves the guest ${left}`, async (t) => {
    const name = startProbe(t, { args: ["sleep", "1000"] });
    const status = () => inspect(name, "{{.State.Status}} {{.State.ExitCode}}");
    const signalOne = async (): Promise<void> => {
      const attach = Bun.spawn({
        cmd: ["docker", "attach", "--no-stdin", `--sig-proxy=${proxies}`, name],
        stdio: ["ignore", "ignore", "ignore"],
      });
      await Bun.sleep(1000);
      attach.kill("SIGTERM");
      // Newer ones that proxy none take no notice of it themselves.
      await Promise.race([attach.exited, Bun.sleep(3000)]);
      attach.kill("SIGKILL");
    };
    // docker takes signals a moment after its start; before, they end it alone.
    await eventually("the guest's end, or not", async () => {
      await signalOne();
      return status() === left || undefined;
    });
    t.is(status(), left);
  });

test("the last word of a machine that is reset, without a line end, is in the logs", (t) => {
  const name = startProbe(t, { args: ["reset", "a last word"] });
  waitForEnd(name);
  t.true(docker("logs", name).stdout.endsWith("\na last word"), docker("logs", name).stdout.slice(-100));
});

test("bytes of every kind come out as the guest wrote them", (t) => {
  const count = 100_000;
  const run = Bun.spawnSync({
    cmd: [
      "timeout",
      "60",
      "docker",
      "run",
      "--rm",
      "--runtime=unikrun",
      probeImage(),
      "bytes",
      String(count),
    ],
    stdin: "ignore",
    stdout: "pipe",
  });
  t.is(run.exitCode, 0);
  const expected = Buffer.from(Uint8Array.from({ length: count }, (_, index) => index % 251));
  t.true(run.stdout.includes(expected));
});

test("1 MiB of standard input reaches the guest whole, and in order", (t) => {
  const input = crypto.getRandomValues(new Uint8Array(65536));
  const whole = Buffer.concat(Array.from({ length: 16 }, () => input));
  let sum = 0;
  for (const byte of whole) sum = (Math.imul(sum, 31) + byte) >>> 0;
  const run = ["timeout", "120", "docker", "run", "--rm", "-i", "--runtime=unikrun", probeImage()];
  const { code, stdout } = command([...run, "count", String(whole.length)], whole);
  t.is(code, 0);
  t.true(stdout.includes(`${whole.length} bytes, sum ${sum}\n`), stdout.slice(-300));
});

test("logs --follow shows what comes, --since leaves out what was, and the end ends it", async (t) => {
  const name = uniqueName("followed");
  t.teardown(() => docker("rm", "-f", name));
  // Of one that was created attached, the first attach's end would close the input.
  succeed(["docker", "run", "-di", "--name", name, "--runtime=unikrun", probeImage(), "cat"]);
  const say = (word: string) =>
    eventually(`the guest says ${word}`, () => {
      command(["timeout", "-s", "KILL", "2", "docker", "attach", "--sig-proxy=false", name], `${word}\n`);
      return docker("logs", name).stdout.includes(word) || undefined;
    });
  await say("early");
  await Bun.sleep(1100);
  const since = new Date().toISOString();
  const follow = Bun.spawn({
    cmd: ["timeout", "60", "docker", "logs", "-f", "--since", since, name],
    stdout: "pipe",
  });
  await say("late");
  succeed(["docker", "kill", name]);
  const text = await new Response(follow.stdout).text();
  t.is(await follow.exited, 0);
  t.true(text.includes("late"), text);
  t.false(text.includes("early"), text);
});
