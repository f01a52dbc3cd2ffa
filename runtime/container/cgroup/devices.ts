import { UnikrunError } from "../../error.ts";
import type { Resources } from "../spec/oci.ts";

/** Which nodes may be read (r), written (w) and made (m). Null is any number; `type` "a" is every device, whatever else the rule says. */
export interface DeviceRule {
  readonly allow: boolean;
  readonly type: "a" | "b" | "c";
  readonly major: number | null;
  readonly minor: number | null;
  readonly access: string;
}

/** What a machine's own processes open, whatever a program may: null, kvm, tun (for exec's networks), and terminals. */
const NEEDED: readonly DeviceRule[] = [
  [1, 3],
  [10, 232],
  [10, 200],
  [5, 2],
  [136, null],
].map(([major = null, minor = null]) => ({ allow: true, type: "c", major, minor, access: "rwm" }));

/**
 * Which device nodes may be opened and made (config-linux.md, Allowed Device List): the rules in their order, of which the last
 * counts, and then what a machine needs. None at all without a denial: then everything is as in the cgroup above.
 */
export function deviceRules(given: Resources["devices"]): DeviceRule[] {
  if (!given?.some(({ allow }) => !allow)) return [];
  const rules = [...given.map(ruleOf), ...NEEDED];
  const lastDenial = rules.findLastIndex(({ allow }) => !allow);
  // Engines list some twice, and each costs.
  const isRepeated = (rule: DeviceRule, at: number): boolean =>
    rule.allow && rules.slice(lastDenial + 1, at).some((earlier) => isSame(earlier, rule));
  return rules.filter((rule, at) => !isRepeated(rule, at));
}

/**
 * Whether the rules let a node ("MAJOR:MINOR") be opened for each of these accesses: the last rule that is about one decides, and
 * without any it may be.
 */
export function mayOpen(
  rules: readonly DeviceRule[],
  device: { readonly type: "b" | "c"; readonly node: string },
  access: "r" | "rw",
): boolean {
  const [major, minor] = device.node.split(":").map(Number);
  const isAbout = (rule: DeviceRule, letter: string): boolean =>
    rule.type === "a" ||
    (rule.type === device.type &&
      (rule.major === null || rule.major === major) &&
      (rule.minor === null || rule.minor === minor) &&
      rule.access.includes(letter));
  return [...access].every((letter) => rules.findLast((rule) => isAbout(rule, letter))?.allow ?? true);
}

/** A number that is absent, or -1, is any. */
function ruleOf(rule: NonNullable<Resources["devices"]>[number]): DeviceRule {
  const { allow, type = "a", major = -1, minor = -1, access = "rwm" } = rule;
  const known = ({ a: "a", b: "b", c: "c", u: "c" } as const)[type];
  if (known === undefined || /[^rwm]/.test(access)) {
    throw new UnikrunError(
      `linux.resources.devices of config.json has a rule for ${JSON.stringify({ type, access })}: a type is a, b or c, and access is of r, w and m.`,
    );
  }
  const any = (number: number): number | null => (number < 0 ? null : number);
  return { allow, type: known, major: any(major), minor: any(minor), access };
}

const isSame = (a: DeviceRule, b: DeviceRule): boolean =>
  a.type === b.type && a.major === b.major && a.minor === b.minor && a.access === b.access;
