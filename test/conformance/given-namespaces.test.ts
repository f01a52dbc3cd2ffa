/** Namespaces that are given by path. */
import { readlinkSync } from "node:fs";
import test from "ava";
import { run } from "../network/netns.ts";
import { makeBench } from "./harness.ts";

test.serial(
  "all are opened before that of mounts is entered, in which the others' paths may be gone",
  async (t) => {
    const name = `ukgiven-${process.pid}`;
    run(`ip netns add ${name}`);
    t.teardown(() => run(`ip netns del ${name}`));
    const other = Bun.spawn(
      ["unshare", "-m", "sh", "-c", "mount -t tmpfs none /run/netns && echo ready && exec sleep 100"],
      {
        stdio: ["ignore", "pipe", "ignore"],
      },
    );
    t.teardown(() => other.kill("SIGKILL"));
    const reader = other.stdout.getReader();
    t.regex(Buffer.from((await reader.read()).value ?? []).toString(), /ready/);
    const mounts = readlinkSync(`/proc/${other.pid}/ns/mnt`);
    using bench = makeBench(["cat"]);
    bench.configure(({ linux }) => {
      const given = [
        { type: "mount", path: `/proc/${other.pid}/ns/mnt` },
        { type: "network", path: `/run/netns/${name}` },
      ];
      linux.namespaces = [
        ...given,
        ...linux.namespaces.filter(({ type }) => !["mount", "network"].includes(type)),
      ];
    });
    const created = bench.call("create");
    t.is(created.code, 0, created.stderr);
    t.is(readlinkSync(`/proc/${bench.pid()}/ns/mnt`), mounts);
    const started = bench.call("start", bench.id);
    t.is(started.code, 0, started.stderr);
    // What else is in that namespace has its root still.
    t.regex(run(`nsenter -t ${other.pid} -m ls /`), /\busr\b/);
  },
);
