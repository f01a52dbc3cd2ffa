/** With --systemd-cgroup where no systemd runs; where one does, see test/real-host/systemd.test.ts. */
import { existsSync } from "node:fs";
import test from "ava";
import { leftovers, makeBench } from "./harness.ts";

const here = existsSync("/run/systemd/system") ? test.skip : test;

here(
  "without systemd, --systemd-cgroup is refused in one line that says what to do, and leaves nothing",
  (t) => {
    using bench = makeBench(["return", "0"]);
    bench.configure(({ linux }) => {
      linux.cgroupsPath = `system.slice:test:${bench.id}`;
    });
    const { code, stderr, log } = bench.call(
      "--systemd-cgroup",
      "create",
      "--bundle",
      bench.bundle,
      bench.id,
    );
    t.is(code, 1);
    t.regex(
      log.at(-1)?.msg ?? "",
      /^Container \S+ can't be created: systemd does not start its scope test-\S+\.scope, since systemd does not run this host: have the engine use the cgroup driver cgroupfs/,
    );
    t.is(stderr.trim().split("\n").length, 1);
    t.deepEqual(leftovers(bench), []);
  },
);

test("with --systemd-cgroup a path that is no slice:prefix:name is refused", (t) => {
  using bench = makeBench(["return", "0"]);
  const { code, log } = bench.call("--systemd-cgroup", "create", "--bundle", bench.bundle, bench.id);
  t.is(code, 1);
  t.regex(
    log.at(-1)?.msg ?? "",
    /linux\.cgroupsPath must be "slice:prefix:name" of a scope, and it is "\/unikrun-test/,
  );
  t.deepEqual(leftovers(bench), []);
});
