import test from "ava";
import {
  command,
  createProbe,
  docker,
  endpoint,
  eventually,
  httpGet,
  inspect,
  probeImage,
  runProbe,
  startProbe,
  succeed,
  uniqueName,
  waitForEnd,
} from "./harness.ts";

test("a program that returns 7 ends its container with code 7", (t) => {
  const { code, stdout } = runProbe(["return", "7"]);
  t.is(code, 7);
  t.true(stdout.includes("returned 7"));
});

test("docker logs has what the program printed, and nothing of the firmware or of us", (t) => {
  const name = startProbe(t, { args: ["print", "200"] });
  t.is(waitForEnd(name), 0);
  const { stdout, stderr } = docker("logs", name);
  for (let line = 1; line <= 200; line++) t.regex(stdout, new RegExp(`^line ${line}\r?$`, "m"));
  t.true(stdout.startsWith("unikrun probe guest"), stdout.slice(0, 200));
  t.notRegex(stdout, /SeaBIOS|iPXE|Booting from|qemu/i);
  t.is(stderr, "");
});

test("exit codes: exit(3) is 3, a panic is 134, a fault is 139, and words that only look like an end are nothing", (t) => {
  t.is(runProbe(["exit", "3"]).code, 3);
  t.is(runProbe(["panic"]).code, 134);
  t.is(runProbe(["trap"]).code, 139);
  const { code, stdout } = runProbe(["fake"]);
  t.is(code, 9);
  t.true(stdout.includes("still here"));
});

test("docker stop ends the guest by itself, with 143", async (t) => {
  const name = startProbe(t);
  await httpGet(`http://${endpoint(name).IPAddress}/`);
  // SIGKILL, which it would get in the end, is 137.
  succeed(["docker", "stop", "-t", "60", name]);
  t.is(inspect(name, "{{.State.ExitCode}}"), "143");
});

test("docker kill ends it at once with 137, and docker start boots it again", async (t) => {
  const name = startProbe(t);
  await httpGet(`http://${endpoint(name).IPAddress}/`);
  succeed(["docker", "kill", name]);
  t.is(waitForEnd(name), 137);
  succeed(["docker", "start", name]);
  t.regex(await httpGet(`http://${endpoint(name).IPAddress}/`), /probe/);
});

test("docker restart boots a fresh guest", async (t) => {
  const name = startProbe(t, { options: ["-p", "8081:80"] });
  await httpGet("http://127.0.0.1:8081/");
  succeed(["docker", "restart", name]);
  t.regex(await httpGet("http://127.0.0.1:8081/"), /probe/);
  const boots = (): number => docker("logs", name).stdout.split("serving HTTP").length - 1;
  await eventually("two boots in the log", () => boots() === 2 || undefined);
});

test("docker rm -f removes a running guest, a created one and an ended one", (t) => {
  const names = [startProbe(t), createProbe(t, {}), startProbe(t, { args: ["return", "0"] })];
  waitForEnd(String(names[2]));
  for (const name of names) {
    t.is(docker("rm", "-f", name).code, 0);
    t.not(docker("inspect", name).code, 0);
  }
});

test("--restart=on-failure starts a failed guest again, and leaves one alone that succeeded", async (t) => {
  const failing = startProbe(t, { args: ["return", "3"], options: ["--restart=on-failure:2"] });
  await eventually(
    "two restarts",
    () =>
      inspect(failing, "{{.RestartCount}} {{.State.Status}} {{.State.ExitCode}}") === "2 exited 3" ||
      undefined,
  );
  const fine = startProbe(t, { args: ["return", "0"], options: ["--restart=on-failure:2"] });
  t.is(waitForEnd(fine), 0);
  t.is(inspect(fine, "{{.RestartCount}}"), "0");
});

test("-it gives a console: what is typed reaches the guest, and what it prints comes back", async (t) => {
  const name = uniqueName("console");
  t.teardown(() => docker("rm", "-f", name));
  const run = `docker run -it --name ${name} --runtime=unikrun ${probeImage()} cat`;
  const terminal = Bun.spawn({ cmd: ["script", "-qefc", run, "/dev/null"], stdin: "pipe", stdout: "pipe" });
  let seen = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of terminal.stdout) seen += decoder.decode(chunk);
  })();
  const type = (line: string): void => {
    terminal.stdin.write(line);
    terminal.stdin.flush();
  };
  await eventually("the prompt", () => seen.includes("main()") || undefined);
  type("hello there\r");
  // The terminal echoes what is typed, then the program prints the line.
  await eventually("an answer", () => seen.split("hello there\r\n").length > 2 || undefined);
  type("quit\r");
  t.is(await terminal.exited, 0, seen);
  await reading;
});

test("docker run -i brings a piped standard input to the guest whole, however early it comes", (t) => {
  const name = uniqueName("piped");
  t.teardown(() => docker("rm", "-f", name));
  const run = [
    "timeout",
    "120",
    "docker",
    "run",
    "-i",
    "--name",
    name,
    "--runtime=unikrun",
    probeImage(),
    "cat",
  ];
  const { code, stdout } = command(run, "hello there\nquit\n");
  t.is(code, 0, stdout);
  t.regex(stdout, /^hello there\r?$/m);
});

test("-t without anybody attached boots and logs as well", (t) => {
  const name = startProbe(t, { args: ["print", "3"], options: ["-t"] });
  t.is(waitForEnd(name), 0);
  t.regex(docker("logs", name).stdout, /line 3\r?\n/);
});

test("a kernel that is not in the image is one line about that file", (t) => {
  const { code, stdout, stderr } = runProbe([], ["--entrypoint", "/nothing.bin"]);
  t.is(code, 127);
  t.is(stdout, "");
  t.is(stderr.match(/\/nothing\.bin.*no such file/g)?.length, 1, stderr);
});

test("a memory limit that is too small is refused with the one that would do", (t) => {
  const { code, stderr } = runProbe(["return", "0"], ["--memory", "8m"]);
  t.is(code, 125);
  const enough = /memory limit of 8 MiB .* raise the limit to (\d+) MiB/.exec(stderr)?.[1];
  t.is(runProbe(["return", "4"], ["--memory", `${enough}m`]).code, 4, stderr);
});

test("docker stats shows the running machine's memory and its processes", async (t) => {
  const name = startProbe(t);
  await httpGet(`http://${endpoint(name).IPAddress}/`);
  const usage = succeed(["docker", "stats", "--no-stream", "--format", "{{.MemUsage}} {{.PIDs}}", name]);
  t.regex(usage, /^[1-9][0-9.]*MiB .* [2-9]$/);
});
