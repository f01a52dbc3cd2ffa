/** A guest that can be asked to end loses nothing that its program wrote, synced or not. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { childrenOf, readIfThere } from "../proc.ts";
import { unikrun, until } from "./harness.ts";
import { type Guest, makeKeepingGuest } from "./volume-harness.ts";

const TEXT = "what a program wrote and did not sync";
const FILE = "/file?path=/data/file";

/** One with a file in its volume that is not on the disk yet. */
async function written(t: ExecutionContext, change: (guest: Guest) => void = () => undefined) {
  const { guest, folder } = makeKeepingGuest(t);
  change(guest);
  guest.do("create");
  guest.do("start", guest.bench.id);
  t.is((await guest.request(FILE, { method: "PUT", body: TEXT })).status, 200);
  t.is(onDisk(guest), "", "it is in the guest's memory alone");
  return { guest, file: `${folder}/file` };
}

/** The file on the guest's disk, as init keeps that (native/init/start.c); empty where there is none. */
const onDisk = ({ bench }: Guest): string =>
  Bun.spawnSync(["debugfs", "-R", "cat /file", `/proc/${bench.pid()}/fd/100`], {
    stderr: "ignore",
  }).stdout.toString();

/**
 * One of those, after its end. A machine may be so busy that the time for asking a guest is over before that has had its turn, which
 * the runtime or init says: then another one is ended.
 */
async function ended(t: ExecutionContext, code: number, end: (guest: Guest) => void) {
  for (let tries = 0; ; tries++) {
    const one = await written(t);
    const { bench } = one.guest;
    end(one.guest);
    t.is(bench.wait(), code);
    const words = ["log.json", "output.errors"].map((name) => readIfThere(`${bench.folder}/${name}`));
    if (tries === 9 || !words.join().includes("what it has not written to its disks is lost")) return one;
  }
}

for (const [signal, code] of [
  ["SIGTERM", 143],
  ["SIGINT", 130],
  ["SIGQUIT", 131],
  ["SIGKILL", 137],
] as const) {
  test.serial(`${signal} loses nothing`, async (t) => {
    const { guest, file } = await ended(t, code, (one) => one.do("kill", one.bench.id, signal));
    t.deepEqual(guest.bench.call("delete", guest.bench.id), { code: 0, stdout: "", stderr: "", log: [] });
    t.is(readFileSync(file, "utf8"), TEXT);
  });
}

for (const [how, whom] of [
  ["straight to init, as a person's", (init: number) => [init]],
  ["to all of the container's processes, as of who shuts down the host", processesOf],
] as const) {
  test.serial(`a SIGTERM ${how}, loses nothing`, async (t) => {
    const { guest, file } = await ended(t, 143, ({ bench }) => {
      for (const pid of whom(bench.pid())) process.kill(pid, "SIGTERM");
    });
    t.regex(guest.bench.output(), /halted\n$/);
    guest.do("delete", guest.bench.id);
    t.is(readFileSync(file, "utf8"), TEXT);
  });
}

/** The VMM first, which else might hear of its init's. */
function processesOf(init: number): number[] {
  return [...childrenOf(init), init];
}

test.serial("a second signal straight to init ends it at once", async (t) => {
  const { guest } = await written(t);
  const { bench } = guest;
  const [vmm = 0] = processesOf(bench.pid());
  process.kill(vmm, "SIGSTOP");
  for (const signal of ["SIGTERM", "SIGINT"]) {
    process.kill(bench.pid(), signal);
    // It has heard of the one before it is sent the other.
    until(() => /^SigPnd:\t0+\nShdPnd:\t0+\n/m.test(readFileSync(`/proc/${bench.pid()}/status`, "utf8")));
  }
  process.kill(vmm, "SIGCONT");
  t.is(bench.wait(), 130);
});

test.serial("it unmounts its disks, and says so", async (t) => {
  const { guest } = await ended(t, 143, (one) => one.do("kill", one.bench.id));
  t.regex(guest.bench.output(), /unmounted \/dev\/ld0a on \/data type ext2fs\n(.*\n)*halted\n$/);
});

test.serial("a kernel that can't be asked is ended, and so loses it", async (t) => {
  const { guest, file } = await written(t, ({ bench }) => {
    const kernel = `${bench.rootfs}/probe.bin`;
    writeFileSync(
      kernel,
      Buffer.from(
        readFileSync(kernel, "latin1").replaceAll("RUMPRUN_SYSPROXY", "RUMPRUN_NO_PROXY"),
        "latin1",
      ),
    );
  });
  guest.stop();
  guest.do("delete", guest.bench.id);
  t.false(existsSync(file) && readFileSync(file, "utf8") === TEXT);
});

test.serial("pause, and checkpoint, are preceded by writing it down", async (t) => {
  const { guest, file } = await written(t);
  guest.do("pause", guest.bench.id);
  t.is(onDisk(guest), TEXT);
  guest.do("resume", guest.bench.id);
  t.is((await guest.request(FILE, { method: "PUT", body: `${TEXT} again` })).status, 200);
  guest.do("checkpoint", "--image-path", `${guest.bench.folder}/image`, guest.bench.id);
  guest.do("delete", guest.bench.id);
  t.is(readFileSync(file, "utf8"), `${TEXT} again`);
});

test.serial("signals that end nothing are no reason to ask it", async (t) => {
  const { guest } = await written(t);
  for (const signal of ["SIGWINCH", "SIGCHLD", "0"]) guest.do("kill", guest.bench.id, signal);
  t.is(onDisk(guest), "");
  t.is(await guest.get("/file?path=/data/file"), TEXT);
});

test.serial("one that does not answer is ended all the same, with the code of its signal", async (t) => {
  const { guest } = await written(t);
  const { bench } = guest;
  const [vmm = 0] = processesOf(bench.pid());
  process.kill(vmm, "SIGSTOP");
  const killed = Bun.spawn([unikrun, "--root", bench.root, "kill", bench.id, "TERM"], { stderr: "pipe" });
  t.is(await killed.exited, 0);
  t.regex(await new Response(killed.stderr).text(), /can't be asked to end .* is lost/);
  process.kill(vmm, "SIGCONT");
  t.is(bench.wait(), 143);
});
