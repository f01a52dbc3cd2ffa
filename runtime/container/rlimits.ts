import type { Rlimit } from "./oci.ts";

/** Numbers of setrlimit(2) on Linux. */
export const RESOURCES: Readonly<Record<string, number>> = {
  RLIMIT_CPU: 0,
  RLIMIT_FSIZE: 1,
  RLIMIT_DATA: 2,
  RLIMIT_STACK: 3,
  RLIMIT_CORE: 4,
  RLIMIT_RSS: 5,
  RLIMIT_NPROC: 6,
  RLIMIT_NOFILE: 7,
  RLIMIT_MEMLOCK: 8,
  RLIMIT_AS: 9,
  RLIMIT_LOCKS: 10,
  RLIMIT_SIGPENDING: 11,
  RLIMIT_MSGQUEUE: 12,
  RLIMIT_NICE: 13,
  RLIMIT_RTPRIO: 14,
  RLIMIT_RTTIME: 15,
};

/** The limits that the VMM gets; the spec's reader has refused unknown names. */
export function rlimitsOf(
  rlimits: readonly Rlimit[] | undefined,
): { resource: number; soft: string; hard: string }[] {
  return (rlimits ?? []).flatMap(({ type, soft, hard }) => {
    const resource = RESOURCES[type];
    return resource === undefined ? [] : [{ resource, soft: exact(soft), hard: exact(hard) }];
  });
}

/** RLIM_INFINITY is 2^64 - 1, which JSON's numbers round up to 2^64. */
function exact(limit: number): string {
  const INFINITY = 2n ** 64n - 1n;
  const value = BigInt(limit);
  return String(value > INFINITY ? INFINITY : value);
}
