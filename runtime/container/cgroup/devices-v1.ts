import type { Resources } from "../spec/oci.ts";
import { type DeviceRule, deviceRules } from "./devices.ts";
import { type Setting, settings } from "./setting.ts";

/** The rules as version 1 is told (cgroup-v1/devices.rst). What the cgroup above does not allow stays denied. */
export const devicesV1 = (rules: Resources["devices"]): Setting[] =>
  settings(
    "devices",
    deviceRules(rules).map((rule) =>
      rule.allow
        ? (["devices.allow", textOf(rule), "try"] as const)
        : (["devices.deny", textOf(rule), "skip"] as const),
    ),
  );

/** "a" for all devices, else "c 10:229 rwm". */
function textOf({ type, major, minor, access }: DeviceRule): string {
  return type === "a" ? "a" : `${type} ${major ?? "*"}:${minor ?? "*"} ${access}`;
}
