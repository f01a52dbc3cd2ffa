/** A container's environment and arguments are its own: what others on the host may read has nothing of them. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import test from "ava";
import { type Bench, makeBench } from "./harness.ts";

const SECRET = "open-sesame-4711";

/** The environment and command line of every process but this one. */
function processes(): string[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) =>
      ["cmdline", "environ"].map((file) => {
        try {
          return `${name} ${file}: ${readFileSync(`/proc/${name}/${file}`, "utf8")}`;
        } catch {
          return "";
        }
      }),
    );
}

function makeSecretive(args: readonly string[], firmware: string): Bench {
  const bench = makeBench([...args, SECRET]);
  bench.configure((config) => {
    config.process.env = [...(config.process.env ?? []), `TOKEN=${SECRET}`];
    Object.assign(config, { annotations: { "org.unikrun.firmware": firmware } });
  });
  return bench;
}

const showsSecret = (text: string): boolean => text.includes(SECRET);

for (const firmware of ["unikrun", "seabios"])
  test.serial(`no process, log or readable file of a container has its secrets, with ${firmware}`, (t) => {
    using bench = makeSecretive(["sleep", "1000"], firmware);
    for (const call of [["create"], ["--debug", "start", bench.id]]) {
      const { code, log, stderr } = bench.call(...call);
      t.is(code, 0, stderr);
      if (call[0] === "--debug") t.true(log.some(({ msg }) => msg.includes("plan: ")));
      t.deepEqual(log.map(({ msg }) => msg).filter(showsSecret), []);
      t.deepEqual(processes().filter(showsSecret), []);
    }
    t.deepEqual(processes().filter((text) => text.includes("qemu")).length > 0, true);
    for (const call of [["state"], ["list"], ["ps"]])
      t.false(showsSecret(bench.call(...call, ...(call[0] === "list" ? [] : [bench.id])).stdout));
    t.is(statSync(`${bench.root}/${bench.id}`).mode & 0o077, 0);
  });

test.serial("a value that a guest can't be told is not said in the refusal", (t) => {
  using bench = makeBench(["sleep", "1000"]);
  bench.configure((config) => {
    config.process.env = [...(config.process.env ?? []), `TOKEN="${SECRET}"`];
  });
  const { code, stderr, log } = bench.call("create");
  t.is(code, 1);
  t.regex(stderr, /the environment variable TOKEN: .*the character "/);
  t.false([stderr, ...log.map(({ msg }) => msg)].some(showsSecret));
});
