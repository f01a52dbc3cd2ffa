/**
 * What each runtime call costs, beside runc and crun: create, state, start, kill and delete of unikrun with the probe
 * guest, and of the others with busybox, interleaved, from a parent that reaps as a shim does; then what folders cost a
 * start. Medians in milliseconds. DIR is another build of ours, which then runs side by side with this one. Guests are
 * emulated, unless --kvm leaves it to the builds what they run them on.
 *
 *   npm run bench [-- --json] [-- --rounds N] [-- --against DIR] [-- --kvm]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { becomeSubreaper } from "../../native/process.ts";
import { makeBundles } from "./bundles.ts";
import { callCosts } from "./calls.ts";
import { STEPS } from "./cycle.ts";
import { DISK_COLUMNS, diskCosts } from "./disks.ts";
import { enterPrivateMounts, hideKvm } from "./mounts.ts";
import { print, printWithRatios, ratios } from "./table.ts";

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "21" },
    against: { type: "string" },
    kvm: { type: "boolean", default: false },
  },
});

const folder = mkdtempSync(`${tmpdir()}/unikrun-bench-`);
enterPrivateMounts();
if (!values.kvm) hideKvm();
becomeSubreaper();
try {
  const runtimes = makeBundles(folder, values.against);
  const rounds = Number(values.rounds);
  const calls = callCosts({ runtimes, folder, rounds });
  const columns = ["total", ...STEPS, "createdRssKiB"];
  printWithRatios("ms", calls, columns);
  const [unikrun] = runtimes;
  const disks = unikrun ? diskCosts({ runtime: unikrun, folder, rounds: Math.min(rounds, 9) }) : {};
  print("start with, ms", disks, DISK_COLUMNS);
  if (values.json) console.log(JSON.stringify({ ...calls, disks, ratios: ratios(calls, columns) }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
