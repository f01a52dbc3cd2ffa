/** A disk image that two containers are to write. */
import { execFileSync } from "node:child_process";
import test from "ava";
import { makeBench, unikrun } from "./harness.ts";

const POD = {
  "io.kubernetes.cri.container-name": "db",
  "io.kubernetes.cri.sandbox-namespace": "shop",
  "io.kubernetes.cri.sandbox-name": "db-0",
};

for (const [what, annotations] of [
  ["container", {}],
  ["pod", POD],
] as const)
  test.serial(`a disk image that another ${what} writes is refused with its name`, (t) => {
    using first = makeBench(["cat"]);
    using second = makeBench(["cat"]);
    const source = `${first.folder}/image`;
    execFileSync("mke2fs", ["-q", "-t", "ext2", source, "4m"]);
    for (const bench of [first, second])
      bench.configure((config) =>
        Object.assign(config, {
          annotations,
          // One beside it, so that it is not the only disk.
          mounts: [
            { destination: "/tmp", type: "tmpfs", source: "tmpfs" },
            { destination: "/disk", source, options: ["rbind"] },
          ],
        }),
      );
    for (const call of [["create"], ["start", first.id]]) t.is(first.call(...call).code, 0);
    const call = (...args: string[]) =>
      Bun.spawnSync([unikrun, "--root", first.root, ...args], { stdio: ["ignore", "ignore", "pipe"] });
    const created = Bun.spawnSync(
      [unikrun, "--root", first.root, "create", "--bundle", second.bundle, second.id],
      { stdio: ["ignore", "ignore", "ignore"] },
    );
    t.is(created.exitCode, 0);
    t.teardown(() => void call("delete", "--force", second.id));
    const refused = call("start", second.id);
    t.is(refused.exitCode, 1);
    const writer = what === "pod" ? "db of the pod shop/db-0" : first.id;
    const advice = what === "pod" ? " (of a Deployment by strategy: Recreate)" : "";
    t.is(
      refused.stderr.toString().trim().split("\n").at(-1),
      `unikrun: error: Container ${second.id}: the disk ${source} is being written by the guest of container ${writer}: stop that one first${advice}, or mount the disk read-only.`,
    );
  });
