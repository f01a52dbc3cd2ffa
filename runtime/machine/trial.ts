/** Whether KVM is of use here: a guest is booted on it as machines are, and it has to be faster than emulation. */
import { makeFolders, readTextOrNull, removeFile, removeFolder, writeBytes } from "../../native/files.ts";
import { runTrial, type WatchedOutcome } from "../../native/init.ts";
import { ownUid } from "../../native/own-uid.ts";
import { placeProgram } from "../../native/program-tree.ts";
import { type Accelerator, whyNoDevice } from "./accelerator.ts";
import { vmmFiles } from "./cage.ts";
import { accelerationArguments, boardArguments } from "./command-line.ts";
import { firmwareArguments, firmwareFile } from "./firmware.ts";
import { kernelDirectives } from "./kernel.ts";
import { MEMORY_ID, memoryArguments, memoryFile } from "./memory.ts";
import type { Host } from "./qemu.ts";
import { SANDBOX } from "./sandbox.ts";
import { EXIT_CODE, EXIT_DEVICE, trialImage, trialKernel } from "./trial-kernel.ts";
import { virtualization } from "./virtualization.ts";

/** Seconds of CPU time in which only a processor can do the trial's work. */
const QUICK = 0.5;

/** Seconds: of CPU time for the first of the two, and of any time for each. */
const CPU_LIMIT = 20;
const PATIENCE = 25;

/** As machines have. */
const FIRMWARE = "unikrun";
/** MiB. */
const MEMORY = 16;

/** What KVM is worth here; `why` is a clause. */
export type Verdict =
  | { readonly kind: "good" }
  /** It works, and is slower than emulation. */
  | { readonly kind: "slow"; readonly why: string }
  | { readonly kind: "broken"; readonly why: string }
  /** The trial was not done in time, as on a host that is too busy. */
  | { readonly kind: "undecided"; readonly why: string };

/** Seconds of CPU time that one used, and how that ended (native/init.ts); or why there was none. */
export type Trial = Pick<WatchedOutcome, "end" | "used"> | { error: string };

/**
 * `scratch` is a folder that exists, for this process alone. Where KVM is good it takes some 0.15 s, where it is not at most 50.
 * What counts is CPU time, which is the same on a busy host.
 */
export function tryKvm(host: Host, scratch: string): Verdict {
  const missing = whyNoDevice();
  if (missing) return { kind: "broken", why: missing };
  using place = makePlace(scratch);
  const run = (accelerator: Accelerator, limit = CPU_LIMIT) => boot({ host, accelerator, place, limit });
  if (virtualization(readTextOrNull("/proc/cpuinfo") ?? "").extension) {
    const kvm = run("kvm");
    if ("error" in kvm || (kvm.end === "ended" && kvm.used <= QUICK)) return judgeTrials({ kvm });
    return judgeTrials({ kvm, tcg: run("tcg", kvm.used) });
  }
  // KVM by other means than the processor's, so it is likely to take far longer.
  const tcg = run("tcg");
  return judgeTrials({ kvm: run("kvm", "error" in tcg ? CPU_LIMIT : tcg.used), tcg });
}

/**
 * The rule: KVM is used if it does the work in no more CPU time than emulation. What was not done was stopped, perhaps when it had
 * used as much as the other; there is no `tcg` where it can't win.
 */
export function judgeTrials({ kvm, tcg }: { kvm: Trial; tcg?: Trial }): Verdict {
  if ("error" in kvm) return { kind: "broken", why: kvm.error };
  const rival = tcg && !("error" in tcg) && tcg.end === "ended" ? tcg : undefined;
  const isDone = kvm.end === "ended";
  if (isDone && !(rival && rival.used < kvm.used)) return { kind: "good" };
  if (!rival || (kvm.end === "late" && kvm.used < rival.used))
    return { kind: "undecided", why: "a trial guest on it was not done in its time" };
  const took = isDone ? seconds(kvm.used) : `more than ${seconds(kvm.used)}`;
  const why = `a trial guest took ${took} of CPU time on it, and ${seconds(rival.used)} without`;
  return { kind: "slow", why };
}

const seconds = (time: number): string => `${time.toFixed(time < 1 ? 2 : 1)} s`;

interface Place extends Disposable {
  readonly cage: string;
  readonly kernel: string;
}

function makePlace(scratch: string): Place {
  const [cage, kernel] = [`${scratch}/trial-cage`, `${scratch}/trial-kernel`];
  makeFolders(cage, 0o700);
  writeBytes(kernel, trialKernel());
  return {
    cage,
    kernel,
    [Symbol.dispose]() {
      removeFile(kernel);
      removeFolder(cage);
    },
  };
}

function boot(options: { host: Host; accelerator: Accelerator; place: Place; limit: number }): Trial {
  const { host, accelerator, place, limit } = options;
  const outcome = runTrial([
    ["cage", place.cage],
    ["rootfs", "/"],
    ["detach-mounts", ""],
    ...vmmFiles(host, accelerator),
    ...firmwareFile(FIRMWARE),
    ...memoryFile(MEMORY),
    ...kernelDirectives({ loader: "init" }, FIRMWARE, {
      path: place.kernel,
      onHost: true,
      image: trialImage(trialKernel()),
    }),
    ...trialCommand(host.qemu, accelerator).map((argument) => ["argument", argument] as const),
    ["uid", String(ownUid("vmm", process.pid))],
    ["cpu-limit", String(Math.ceil(limit * 1000))],
    ["wall-limit", String(PATIENCE * 1000)],
  ]);
  if ("error" in outcome) return outcome;
  const { end, exitCode, words } = outcome;
  if (end !== "ended" || exitCode === EXIT_CODE) return outcome;
  return { error: `QEMU failed on it: ${words.split("\n")[0] || `it ended with ${exitCode}`}` };
}

const trialCommand = (qemu: string, accelerator: Accelerator): string[] => [
  placeProgram(qemu).path,
  ...["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"],
  ...boardArguments({ machine: "pc", acpi: false }, MEMORY_ID),
  ...firmwareArguments(FIRMWARE),
  ...accelerationArguments(accelerator),
  ...memoryArguments(MEMORY),
  ...SANDBOX,
  ...["-device", EXIT_DEVICE],
];
