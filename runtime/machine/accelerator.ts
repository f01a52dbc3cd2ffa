import { askMachine } from "../../native/control.ts";
import { removeFile, writeBytes } from "../../native/files.ts";
import { O_RDWR, openPath, owned } from "../../native/libc.ts";
import { reasonOf } from "../error.ts";
import { SANDBOX } from "./sandbox.ts";

export type Accelerator = "kvm" | "tcg";

/** What a running machine has. */
export function acceleratorOf(stateFolder: string): Accelerator {
  const { enabled } = askMachine(stateFolder, { execute: "query-kvm" }) as { enabled: boolean };
  return enabled ? "kvm" : "tcg";
}

/** Milliseconds that the trial may take under KVM; where KVM really works it takes some 100. */
const TRIAL_PATIENCE = 2500;

/** Why KVM can't be used on this host, or null where it can: a trial guest is booted on it. */
export function whyNotKvm(qemu: string, scratch: string): string | null {
  try {
    owned(openPath("/dev/kvm", O_RDWR))[Symbol.dispose]();
  } catch (error) {
    return `/dev/kvm can't be opened (${reasonOf(error)})`;
  }
  const kernel = `${scratch}/trial-${process.pid}`;
  writeBytes(kernel, trialKernel());
  try {
    return runTrial(qemu, kernel);
  } finally {
    removeFile(kernel);
  }
}

function runTrial(qemu: string, kernel: string): string | null {
  const EXIT_PORT = 0x501;
  const trial = Bun.spawnSync({
    cmd: [
      qemu,
      ...["-nodefaults", "-no-user-config", "-display", "none", "-no-reboot"],
      ...["-M", "pc,accel=kvm", "-cpu", "host", "-m", "16", "-kernel", kernel],
      ...["-device", `isa-debug-exit,iobase=0x${EXIT_PORT.toString(16)}`],
      ...SANDBOX,
    ],
    env: {},
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
    timeout: TRIAL_PATIENCE,
    killSignal: "SIGKILL",
  });
  if (trial.exitCode === TRIAL_EXIT) return null;
  if (trial.exitedDueToTimeout) return `a trial guest did not boot on KVM within ${TRIAL_PATIENCE / 1000} s`;
  return `QEMU failed on KVM: ${trial.stderr.toString().trim().split("\n")[0] || `it ended with ${trial.exitCode ?? trial.signalCode}`}`;
}

/** isa-debug-exit makes (value << 1) | 1 of the value that the guest writes. */
const TRIAL_VALUE = 0x21;
const TRIAL_EXIT = (TRIAL_VALUE << 1) | 1;

/** A multiboot kernel of one page that writes TRIAL_VALUE to port 0x501 and halts. */
function trialKernel(): Buffer {
  const MAGIC = 0x1badb002;
  const HAS_ADDRESSES = 0x10000;
  const LOAD = 0x100000;
  const kernel = Buffer.alloc(4096);
  const entry = 48;
  const header = [
    MAGIC,
    HAS_ADDRESSES,
    -(MAGIC + HAS_ADDRESSES) >>> 0,
    LOAD,
    LOAD,
    LOAD + 4096,
    LOAD + 4096,
    LOAD + entry,
  ];
  header.forEach((word, i) => {
    kernel.writeUInt32LE(word, i * 4);
  });
  // mov dx, 0x501; mov al, 0x21; out dx, al; hlt
  Buffer.from([0x66, 0xba, 0x01, 0x05, 0xb0, TRIAL_VALUE, 0xee, 0xf4]).copy(kernel, entry);
  return kernel;
}
