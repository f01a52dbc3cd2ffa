/** A unikernel whose container has a user namespace of its own, as Docker's userns-remap and Podman's --userns=auto make them. */
import { chmodSync, readFileSync, readlinkSync } from "node:fs";
import test from "ava";
import { type Bench, leftovers, makeBench, start } from "./harness.ts";

const HOST = 100_000;
const MAPPINGS = [{ containerID: 0, hostID: HOST, size: 65_536 }];

/** In a user namespace of its own, whose root gets to its files. */
function makeRemapped(args: readonly string[]): Bench {
  const bench = makeBench(args);
  for (const folder of [bench.folder, bench.bundle, bench.rootfs]) chmodSync(folder, 0o755);
  bench.configure(({ linux }) => {
    linux.namespaces.push({ type: "user" });
    Object.assign(linux, { uidMappings: MAPPINGS, gidMappings: MAPPINGS });
  });
  return bench;
}

test.serial("it runs, with all its namespaces made in that, and returns its guest's code", (t) => {
  using bench = makeRemapped(["return", "7"]);
  start(t, bench);
  t.is(bench.wait(), 7);
  t.is(bench.call("delete", bench.id).code, 0);
  t.deepEqual(leftovers(bench), []);
});
