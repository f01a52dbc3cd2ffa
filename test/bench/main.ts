/**
 * What unikrun costs, beside others, interleaved; medians. Guests are emulated, unless --kvm leaves it to the builds what they
 * run them on. What needs an engine gets one by scripts/with-docker.
 *
 *   npm run bench [-- OPTION...]
 *
 *   --only PART,...   of these:
 *     calls           create, state, start, kill and delete of the probe guest, and of busybox by runc and crun, from a parent that
 *                     reaps as a shim does; then what folders cost a start; ms
 *     answers         `docker run -d` to the first HTTP 200, ms
 *     memory          of one container, of its VMM beside the guest's, and of the guest's what is resident, MiB
 *     density         --guests N of them (40) started 8 at a time: seconds, and what memory each takes; not unless named
 *     throughput      between a runc container and the probe on the engine's bridge: keep-alive requests a second, MB/s both ways; then a
 *                     disk: MB/s in turn, requests a second at random; beside them the same QEMU by hand, which is the limit, and runc
 *   --picture FILE    only measures who spends which millisecond between `docker run` and the answer, and draws it as an SVG
 *   --against DIR     another build of ours, DIR/dist/unikrun, side by side
 *   --kernel PATH     answers with this kernel, too: its file, or a folder with the Dockerfile of its image, which says what arguments
 *                     and files it needs; its web server is at --port N, 80 unless told
 *   --engine 20|28    of scripts/with-docker
 *   --rounds N        how often each is done
 *   --json            ends with all of it in one line
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { becomeSubreaper } from "../../native/process.ts";
import { makeBundles } from "./calls/bundles.ts";
import { STEPS } from "./calls/cycle.ts";
import { DISK_COLUMNS, diskCosts } from "./calls/folders.ts";
import { callCosts } from "./calls/measure.ts";
import { endInOrder } from "./interruption.ts";
import { enterPrivateMounts, hideKvm } from "./mounts.ts";
import { engineFolder, enterEngine, readOptions } from "./options.ts";
import { compilePrograms } from "./programs.ts";
import { print, printRatios } from "./table.ts";

const options = readOptions();
const { parts, rounds } = options;
const hasEngine = process.env.UNIKRUN_ENGINE !== undefined;
if ([...parts].some((part) => part !== "calls")) {
  compilePrograms();
  if (!hasEngine) await enterEngine(options.engine);
}

const folder = mkdtempSync(`${hasEngine ? engineFolder() : tmpdir()}/unikrun-bench-`);
// An engine's mounts are private already, its runtimes are to see what is mounted here, and what is left there goes with it.
if (!hasEngine) {
  enterPrivateMounts();
  endInOrder();
}
if (!options.kvm) hideKvm();
becomeSubreaper();
const results: Record<string, unknown> = {};
const compared: Record<string, unknown> = {};
try {
  if (parts.has("calls")) {
    const runtimes = makeBundles(folder, options.against);
    const calls = await callCosts({ runtimes, folder, rounds });
    const columns = ["total", ...STEPS, "createdRssKiB"];
    print("calls, ms", calls, columns);
    compared.calls = printRatios(calls, columns, "unikrun");
    const [unikrun] = runtimes;
    const disks = unikrun ? await diskCosts({ runtime: unikrun, folder, rounds: Math.min(rounds, 9) }) : {};
    print("start with, ms", disks, DISK_COLUMNS);
    Object.assign(results, calls, { disks });
  }
  if (hasEngine) {
    const { measureEngine } = await import("./docker/measure.ts");
    await measureEngine(options, folder, results, compared);
  }
  if (options.json) console.log(JSON.stringify({ ...results, ratios: compared }));
} finally {
  rmSync(folder, { recursive: true, force: true });
}
