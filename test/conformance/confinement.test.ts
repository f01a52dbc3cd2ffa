/** What init, the VMM and exec's tools are confined by beside their namespaces and uids. */
import { existsSync, readFileSync } from "node:fs";
import test from "ava";
import { vmmOf } from "../proc.ts";
import { leftovers, makeBench, unikrun, until } from "./harness.ts";

const statusOf = (pid: number | string): string => readFileSync(`/proc/${pid}/status`, "utf8");

const hasAppArmor = existsSync("/proc/self/attr/apparmor");

test.serial(
  "init, the VMM and a tool of exec each have a filter of system calls and no new privileges",
  async (t) => {
    using bench = makeBench(["cat"]);
    t.is(bench.call("create").code, 0);
    t.is(bench.call("start", bench.id).code, 0);
    const vmm = vmmOf(bench.pid());
    const file = `${bench.folder}/tool.pid`;
    const session = Bun.spawn(
      [unikrun, "--root", bench.root, "exec", "--pid-file", file, bench.id, "unikrun", "console"],
      { stdin: "pipe", stdout: "ignore", stderr: "ignore" },
    );
    t.teardown(() => session.kill());
    until(() => existsSync(file) && readFileSync(file, "utf8") !== "");
    for (const pid of [bench.pid(), vmm, readFileSync(file, "utf8")]) {
      t.regex(statusOf(pid), /^Seccomp:\t2$/m);
      t.regex(statusOf(pid), /^NoNewPrivs:\t1$/m);
    }
    // Ours, and QEMU's own.
    const [, filters] = /^Seccomp_filters:\t(\d+)$/m.exec(statusOf(vmm)) ?? [];
    t.true(filters === undefined || Number(filters) >= 2, filters);
    t.regex(statusOf(bench.pid()), /^CapPrm:\t0000000000000020$/m, "init may send signals, and nothing else");
  },
);

test.serial(
  "a profile that AppArmor does not have is told when the container is created, and nothing is left",
  (t) => {
    using bench = makeBench(["return", "0"]);
    bench.configure(({ process }) => Object.assign(process, { apparmorProfile: "no-such-profile" }));
    const { code, log } = bench.call("create");
    t.is(code, 1);
    const why = hasAppArmor
      ? /the AppArmor profile "no-such-profile" is not loaded on this host/
      : /AppArmor is not enabled on this host, so it has no profile "no-such-profile"/;
    t.regex(log.at(-1)?.msg ?? "", why);
    t.deepEqual(leftovers(bench), []);
  },
);

test.serial("a container may be unconfined, with AppArmor and without", (t) => {
  using bench = makeBench(["return", "6"]);
  bench.configure(({ process }) => Object.assign(process, { apparmorProfile: "unconfined" }));
  t.is(bench.call("create").code, 0);
  t.is(bench.call("start", bench.id).code, 0);
  t.is(bench.wait(), 6);
});

test.serial("a label that SELinux does not know is told when the container is created", (t) => {
  using bench = makeBench(["return", "0"]);
  bench.configure(({ process }) => Object.assign(process, { selinuxLabel: "no:such:label:s0" }));
  const { code, log } = bench.call("create");
  t.is(code, 1);
  t.regex(log.at(-1)?.msg ?? "", /could not set the SELinux label "no:such:label:s0"/);
  t.deepEqual(leftovers(bench), []);
});
