import { UnikrunError } from "../error.ts";
import { type Accelerator, whyNoDevice } from "./accelerator.ts";
import { judgeKvm, type Probe } from "./probe.ts";
import type { Verdict } from "./trial.ts";

export interface Choice {
  readonly accelerator: Accelerator;
  /** Why a machine is emulated, as a sentence without its stop. */
  readonly emulated?: string;
  /** Nobody has been told of it since the host booted. */
  readonly isNews: boolean;
}

/** `wanted` is the operator's word; what is forced is not tried. Throws UnikrunError where KVM is wanted and there is none. */
export async function chooseAccelerator(
  probe: Probe,
  wanted: "auto" | Accelerator | undefined,
): Promise<Choice> {
  if (wanted === "tcg") {
    const emulated = 'guests are emulated (TCG), which is many times slower than KVM, as "accelerator" says';
    return { accelerator: "tcg", emulated, isNews: false };
  }
  if (wanted === "kvm") {
    const missing = whyNoDevice();
    if (missing) throw new UnikrunError(`KVM can't be used, as ${missing}${ADVICE}.`);
    return { accelerator: "kvm", isNews: false };
  }
  const { verdict, isNews } = await judgeKvm(probe);
  if (verdict.kind === "good") return { accelerator: "kvm", isNews };
  return { accelerator: "tcg", emulated: emulatedAs(verdict), isNews };
}

export function emulatedAs({ kind, why }: Exclude<Verdict, { kind: "good" }>): string {
  switch (kind) {
    case "broken":
      return `KVM does not work here, as ${why}: guests are emulated (TCG), which is many times slower`;
    case "slow":
      return `KVM is slower than emulation here, as ${why}: guests are emulated (TCG)`;
    case "undecided":
      return `KVM could not be tried, as ${why}: guests are emulated (TCG) until a later create has tried it`;
  }
}

/** Behind the error of a machine that was told to use KVM. */
const ADVICE =
  ', and "accelerator" allows nothing else: set it to auto (in /etc/unikrun/config.json, or the annotation), and guests are emulated where KVM does not work';

/** The VMM's words on why it did not start, with what to do if that is KVM's doing. */
export const withAdvice = (trouble: string, accelerator: Accelerator): string =>
  accelerator === "kvm" && /kvm/i.test(trouble) ? `${trouble}${ADVICE}` : trouble;
