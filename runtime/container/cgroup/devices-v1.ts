import type { Resources } from "../oci.ts";
import { type Setting, settings } from "./setting.ts";

type Rule = NonNullable<Resources["devices"]>[number];

/** What a machine's own processes open, whatever a program may: null, kvm, tun (for exec's networks), and terminals. */
const NEEDED = ["c 1:3 rwm", "c 10:232 rwm", "c 10:200 rwm", "c 5:2 rwm", "c 136:* rwm"];

/**
 * Which device nodes may be opened and made (config-linux.md, Allowed Device List): the rules in their order, from what the cgroup
 * above allows. What that one does not allow stays denied.
 */
export function devicesV1(rules: Resources["devices"]): Setting[] {
  if (!rules?.some(({ allow }) => !allow)) return [];
  const all = [
    ...rules.map((rule) => ({ allow: rule.allow, text: textOf(rule) })),
    ...NEEDED.map((text) => ({ allow: true, text })),
  ];
  const lastDenial = all.findLastIndex(({ allow }) => !allow);
  // Engines list some twice, and each costs the kernel 0.05 ms.
  const isRepeated = ({ allow, text }: (typeof all)[number], at: number): boolean =>
    allow && all.slice(lastDenial + 1, at).some((earlier) => earlier.text === text);
  return settings(
    "devices",
    all
      .filter((rule, at) => !isRepeated(rule, at))
      .map(({ allow, text }) =>
        allow ? (["devices.allow", text, "try"] as const) : (["devices.deny", text, "skip"] as const),
      ),
  );
}

/** "a" for all devices, else "c 10:229 rwm"; a number that is absent, or -1, is any. */
function textOf({ type = "a", major = -1, minor = -1, access = "rwm" }: Rule): string {
  const any = (number: number): string => (number < 0 ? "*" : String(number));
  return type === "a" ? "a" : `${type} ${any(major)}:${any(minor)} ${access}`;
}
