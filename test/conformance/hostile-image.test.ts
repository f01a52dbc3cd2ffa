/** Images that were made to hurt whoever runs them. */
import { execFileSync } from "node:child_process";
import { readFileSync, truncateSync, writeFileSync } from "node:fs";
import test, { type ExecutionContext } from "ava";
import { type Bench, leftovers, makeBench } from "./harness.ts";

/** Makes a pipe, and asserts at the end that nobody opened it: then its writer would have come through. */
function makeWatchedPipe(t: ExecutionContext, path: string): { assertUnopened(): void } {
  execFileSync("mkfifo", [path]);
  const writer = Bun.spawn(["sh", "-c", `exec 3>"$1"`, "sh", path], {
    stdio: ["ignore", "ignore", "ignore"],
  });
  t.teardown(() => writer.kill("SIGKILL"));
  return { assertUnopened: () => t.is(writer.exitCode, null) };
}

/** How far it comes. */
function startUp(bench: Bench): { code: number; stderr: string } {
  const created = bench.call("create");
  return created.code === 0 ? bench.call("start", bench.id) : created;
}

for (const [what, settings] of [
  ["kernel", { kernel: "/pipe" }],
  ["disk", { kernel: "/probe.bin", disks: [{ path: "/pipe" }] }],
] as const)
  test.serial(`a pipe in the place of a ${what} is refused, and not opened`, async (t) => {
    using bench = makeBench(["return", "0"], { "unikrun.json": JSON.stringify(settings) });
    const pipe = makeWatchedPipe(t, `${bench.rootfs}/pipe`);
    await Bun.sleep(100);
    const { code, stderr } = startUp(bench);
    t.is(code, 1);
    t.regex(
      stderr,
      /\/pipe.*(is not in the image|no regular file|neither a folder nor a regular file|can't be opened)/,
    );
    await Bun.sleep(100);
    pipe.assertUnopened();
    bench.call("delete", "--force", bench.id);
    t.deepEqual(leftovers(bench), []);
  });

test.serial("a pipe in the place of the engine's resolv.conf does not hold up a start", async (t) => {
  using bench = makeBench(["return", "7"]);
  const path = `${bench.folder}/resolv.conf`;
  const pipe = makeWatchedPipe(t, path);
  writeFileSync(`${bench.folder}/hosts`, "127.0.0.1 localhost\n");
  bench.configure((config) => {
    Object.assign(config, {
      mounts: [{ destination: "/etc/resolv.conf", type: "bind", source: path, options: ["bind", "ro"] }],
    });
  });
  await Bun.sleep(100);
  const { code, stderr } = startUp(bench);
  t.is(code, 1);
  t.regex(stderr, /resolv\.conf.*is no file, folder or disk/);
  pipe.assertUnopened();
});

test.serial(
  "a kernel whose program claims gigabytes of a file of holes is refused before it is read",
  (t) => {
    using bench = makeBench(["return", "0"], { "unikrun.json": '{"kernel":"/probe.bin"}' });
    const kernel = readFileSync(`${bench.rootfs}/probe.bin`);
    const headers = Number(kernel.readBigUInt64LE(32));
    // Its first segment's size in the file.
    kernel.writeBigUInt64LE(2n << 30n, headers + 32);
    writeFileSync(`${bench.rootfs}/probe.bin`, kernel);
    truncateSync(`${bench.rootfs}/probe.bin`, 6 * 2 ** 30);
    const { code, stderr } = bench.call("create");
    t.is(code, 1);
    t.regex(stderr, /\/probe\.bin .*its program takes 20\d\d MiB of its file, and 512 are the most/);
  },
);
