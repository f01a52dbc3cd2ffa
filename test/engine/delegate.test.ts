import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import test, { type ExecutionContext } from "ava";
import { busyboxImage, command, docker, engine, succeed, uniqueName } from "./harness.ts";

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

/** What a line of shell says in a container of busybox, under unikrun and under runc. */
function bothSay(options: readonly string[], script: string): [ours: string, theirs: string] {
  const say = (runtime: string): string => {
    const { stdout, stderr } = docker(
      ...[
        "run",
        "--rm",
        `--runtime=${runtime}`,
        "--hostname=h",
        ...options,
        busyboxImage(),
        "sh",
        "-c",
        script,
      ],
    );
    // Docker's client now and then says besides that its waiting was ended.
    return `${stdout}${stderr.replace(/^time=.*context canceled.*\n/gm, "")}`;
  };
  return [say("unikrun"), say("runc")];
}

const SEEN =
  "grep -E '^(Cap|Seccomp|NoNewPrivs|Sig[BI]|Groups|Umask)' /proc/self/status; ulimit -a; env | sort; cut -d' ' -f5,6 /proc/self/mountinfo; cat /proc/self/oom_score_adj";

for (const options of [
  [],
  ["--privileged"],
  ["--cap-drop=ALL", "--cap-add=KILL", "--security-opt=no-new-privileges", "--user=1:2", "--read-only"],
  ["--security-opt=seccomp=unconfined", "--ulimit=nofile=100:200", "--oom-score-adj=100", "--init"],
])
  test(`a container with ${options.join(" ") || "no options"} has what runc gives it`, (t) => {
    const [ours, theirs] = bothSay(options, SEEN);
    // The host of these tests may lack what --privileged asks for.
    t.regex(theirs, /^CapEff:|unable to apply caps/m);
    t.is(ours, theirs);
  });

/** A folder with a file system mounted below it, which the test's end takes away. */
function folderWithMount(t: ExecutionContext): string {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-mount-`);
  mkdirSync(`${folder}/below`);
  succeed(["mount", "-t", "tmpfs", "tmpfs", `${folder}/below`]);
  t.teardown(() => {
    command(["umount", `${folder}/below`]);
    rmSync(folder, { recursive: true });
  });
  return folder;
}

test("-v FOLDER:/x:ro is as read-only below as with runc", (t) => {
  const folder = folderWithMount(t);
  const [ours, theirs] = bothSay(["-v", `${folder}:/x:ro`], "touch /x/below/file && echo written");
  t.is(ours, theirs);
  t.regex(theirs, engine === "28" ? /Read-only file system/ : /written/);
});

if (engine === "28")
  test("bind-recursive=readonly, which demands it of the runtime, works", (t) => {
    const folder = folderWithMount(t);
    const recursive = "readonly,bind-recursive=readonly,bind-propagation=rprivate";
    const [ours, theirs] = bothSay(
      ["--mount", `type=bind,src=${folder},dst=/x,${recursive}`],
      "touch /x/below/file",
    );
    t.is(ours, theirs);
    t.regex(ours, /Read-only file system/);
  });
