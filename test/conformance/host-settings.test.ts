/** A host's settings file that is wrong: who is kept from starting by it, and what is said. */
import { copyFileSync } from "node:fs";
import test from "ava";
import { makeBench } from "./harness.ts";
import { privateHost } from "./private-host.ts";

for (const [what, text, says] of [
  ["no JSON", "{", /config\.json is not JSON/],
  ["of wrong values", '{"qemu":5,"nonsense":1}', null],
] as const)
  test.serial(`a settings file that is ${what} keeps no Linux container from starting`, async (t) => {
    using host = await privateHost();
    host.configure(text);
    using bench = makeBench([], {}, host.runtime);
    copyFileSync("/bin/busybox", `${bench.rootfs}/busybox`);
    bench.configure((config) => {
      config.process.args = ["/busybox", "true"];
      Object.assign(config, { mounts: [{ destination: "/proc", type: "proc", source: "proc" }] });
    });
    const { code, log } = bench.call("create");
    t.is(code, 0, log.at(-1)?.msg);
    const [first] = log;
    if (says) t.regex(first?.msg ?? "", says);
    else t.deepEqual(log, []);
    t.is(bench.call("start", bench.id).code, 0);
    t.is(bench.wait(), 0);
    t.is(bench.call("delete", bench.id).code, 0);
  });

test.serial(
  "a unikernel starts with a setting that there is none of, and not with a wrong one",
  async (t) => {
    using host = await privateHost();
    using bench = makeBench(["return", "7"], {}, host.runtime);
    host.configure({ acelerator: "kvm", accelerator: "tcg" });
    const { code, log } = bench.call("create");
    t.is(code, 0, log.at(-1)?.msg);
    t.deepEqual(
      log.map(({ level, msg }) => [level, msg]),
      [
        [
          "warning",
          "/etc/unikrun/config.json: acelerator is no setting and is ignored: did you mean accelerator?",
        ],
      ],
    );
    t.is(bench.call("start", bench.id).code, 0);
    t.is(bench.wait(), 7);
    t.is(bench.call("delete", bench.id).code, 0);
    host.configure({ accelerator: "hvf" });
    const refused = bench.call("create");
    t.is(refused.code, 1);
    t.regex(refused.log.at(-1)?.msg ?? "", /config\.json: accelerator must be one of auto, kvm, tcg/);
  },
);
