import { UnikrunError } from "../../error.ts";
import type { Resources } from "../spec/oci.ts";

/** A value to be written to a file of a cgroup. */
export interface Setting {
  /** Whose file it is, as the kernel names controllers: "memory". */
  readonly controller: string;
  readonly file: string;
  readonly value: string;
  /** Where the kernel lacks the file: to go without, or to write another one. "try": it may refuse it, too. Absent: that is an error. */
  readonly otherwise?: "skip" | "try" | { readonly file: string; readonly value: string };
}

/** Settings of one controller from [file, value] pairs; those without a value are left out. */
export function settings(
  controller: string,
  pairs: readonly (readonly [file: string, value: string | undefined, otherwise?: Setting["otherwise"]])[],
): Setting[] {
  return pairs.flatMap(([file, value, otherwise]) =>
    value === undefined ? [] : [{ controller, file, value, ...(otherwise ? { otherwise } : {}) }],
  );
}

const U64_MAX = 0xffff_ffff_ffff_ffffn;
const S64_MAX = 0x7fff_ffff_ffff_ffffn;

/** A limit as the kernel reads it. JSON's numbers are inexact near 2^64, so what is too large becomes `most`. */
export function decimal(value: number, most = U64_MAX): string {
  if (Number.isSafeInteger(value)) return String(value);
  const exact = BigInt(Math.trunc(value));
  return String(exact > most ? most : exact);
}

/** 0 means in most fields: not set. */
export const nonZero = (value: number | undefined): string | undefined =>
  value ? decimal(value, S64_MAX) : undefined;

/** Pids: no positive number is no limit. For runc since 1.4 0 is 1, but Podman before 5.5 and CRI-O write 0 for none, and crun takes it so. */
export function pidsLimit(limit: number | undefined): string | undefined {
  if (limit === undefined) return undefined;
  return limit > 0 ? decimal(limit) : "max";
}

/** "MAJOR:MINOR TEXT" for a device. */
export const forDevice = (device: { major: number; minor: number }, text: string): string =>
  `${device.major}:${device.minor} ${text}`;

/** The limits of hugetlb, whose file names have the page size in them; `suffix` is the version's. */
export function hugePageLimits(
  limits: Resources["hugepageLimits"],
  suffix: "limit_in_bytes" | "max",
): Setting[] {
  if (!limits) return [];
  return limits.flatMap(({ pageSize, limit }) => {
    if (!/^[1-9]\d*[KMG]B$/.test(pageSize)) {
      throw new UnikrunError(
        `${JSON.stringify(pageSize)} in linux.resources.hugepageLimits of config.json is no page size: write it as 2MB or 1GB.`,
      );
    }
    return settings("hugetlb", [
      [`hugetlb.${pageSize}.${suffix}`, decimal(limit)],
      // Kernels before 5.7 do not count reservations.
      [`hugetlb.${pageSize}.rsvd.${suffix}`, decimal(limit), "skip"],
    ]);
  });
}

/** The same in both versions. */
export function rdmaLimits(rdma: Resources["rdma"]): Setting[] {
  if (!rdma) return [];
  return settings(
    "rdma",
    Object.entries(rdma).map(([device, { hcaHandles, hcaObjects }]) => {
      const limits = [
        ...(hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`]),
        ...(hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`]),
      ];
      return ["rdma.max", [device, ...limits].join(" ")] as const;
    }),
  );
}
