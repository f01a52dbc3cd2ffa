/** Device rules for version 2, which knows them as programs only (cgroup-v2.rst, Device controller). */
import { loadProgram } from "../../../native/bpf.ts";
import { attachDeviceProgram } from "../../../native/bpf-cgroup.ts";
import { inUserNamespace } from "../../../native/user-namespace.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import type { Resources } from "../spec/oci.ts";
import type { Cgroup } from "./cgroup.ts";
import { type DeviceRule, deviceRules } from "./devices.ts";

/** struct bpf_cgroup_dev_ctx, and the bits of its first field's halves (linux/bpf.h). */
const HEAD = `
  r2 = *(u32 *)(r1 + 0)
  r3 = r2
  r2 &= 0xffff                  // block or character device
  r3 >>= 16                     // what is wanted and not allowed yet
  r4 = *(u32 *)(r1 + 4)         // major
  r5 = *(u32 *)(r1 + 8)         // minor`;
const TYPES = { b: 1, c: 2 } as const;
const ACCESS: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };
const ALL = 7;

/** Restricts what is in a cgroup to these rules, whatever it was restricted to before; throws UnikrunError where the kernel can't. */
export function restrictDevices({ paths }: Pick<Cgroup, "paths">, given: Resources["devices"]): void {
  const rules = deviceRules(given);
  const folder = paths[""];
  if (rules.length === 0 || folder === undefined) return;
  try {
    using program = loadProgram("unikrun_devices", deviceProgram(rules), "cgroup_device");
    attachDeviceProgram(folder, program);
  } catch (cause) {
    // There nobody may load programs, and nobody can make nodes.
    if (inUserNamespace()) return;
    throw new UnikrunError(
      `The devices of the cgroup ${folder} can't be restricted as linux.resources.devices says (${reasonOf(cause)}): is the kernel made without CONFIG_CGROUP_BPF?`,
      { cause },
    );
  }
}

/** From the last rule, which counts, to the first. Each bit of an access may be allowed by another rule; one denied bit denies it. */
export function deviceProgram(rules: readonly DeviceRule[]): string {
  const whole = rules.findLastIndex(({ type }) => type === "a");
  const body = rules
    .slice(whole + 1)
    .map(judge)
    .reverse()
    .join("");
  const verdicts = [
    { label: "allow", text: "r0 = 1; exit" },
    { label: "deny", text: "r0 = 0; exit" },
  ];
  // What no rule is about falls through to the first; the kernel takes no code that nothing reaches.
  if (rules[whole]?.allow === false) verdicts.reverse();
  const reached = verdicts.filter(({ label }, at) => at === 0 || body.includes(`goto ${label}\n`));
  return `${HEAD}\n${body}${reached.map(({ label, text }) => `${label}: ${text}\n`).join("")}`;
}

function judge({ allow, type, major, minor, access }: DeviceRule, at: number): string {
  const bits = [...access].reduce((sum, letter) => sum | (ACCESS[letter] ?? 0), 0);
  if (type === "a" || bits === 0) return "";
  const unless = (register: string, value: number | null): string =>
    value === null ? "" : `if ${register} != ${value} goto next${at}\n`;
  const verdict = allow
    ? bits === ALL
      ? "goto allow\n"
      : `r3 &= ${ALL & ~bits}\nif r3 == 0 goto allow\n`
    : bits === ALL
      ? "goto deny\n"
      : `if r3 & ${bits} goto deny\n`;
  return `${unless("w2", TYPES[type])}${unless("w4", major)}${unless("w5", minor)}${verdict}next${at}:\n`;
}
