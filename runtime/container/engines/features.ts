/**
 * The document of `features` (features.md, features-linux.md): what a container may have. Engines read it when they load their
 * configuration, and leave out of every config.json what is not in it, so it speaks for Linux containers too, in the words of
 * the runtime that runs them. A unikernel that can't have a thing is refused when it is created.
 */
import { version } from "../../../package.json";
import { FAMILY_NAMES } from "../../guest/detect.ts";
import { SPEC_VERSION } from "../spec/oci.ts";
import { HOOK_KINDS, RECURSIVE_ACCESS, SIMPLE_ACCESS } from "../spec/spec.ts";

type Json = Readonly<Record<string, unknown>>;

/** Where there is no other runtime, or one that does not know the command. */
const OWN_LINUX: Json = {
  namespaces: ["cgroup", "ipc", "mount", "network", "pid", "time", "user", "uts"],
  capabilities: [],
  seccomp: { enabled: false },
  apparmor: { enabled: true },
  selinux: { enabled: true },
  intelRdt: { enabled: false },
  mountExtensions: { idmap: { enabled: true } },
};

const OWN_CGROUP = { v1: true, v2: true, systemd: true, systemdUser: false, rdma: true };

/** `other` is the document of the other runtime, as it printed it; `accelerator` is what unikernels get. */
export function features(other: string | null = null, accelerator: "kvm" | "tcg" | "unknown" = "unknown") {
  const theirs = parse(other);
  const linux = isObject(theirs.linux) ? theirs.linux : OWN_LINUX;
  return {
    ociVersionMin: "1.0.0",
    ociVersionMax: SPEC_VERSION,
    ...theirs,
    hooks: HOOK_KINDS.filter((kind) => theirs.hooks === undefined || texts(theirs.hooks).includes(kind)),
    mountOptions: [
      ...new Set([...texts(theirs.mountOptions), "bind", "rbind", ...SIMPLE_ACCESS, ...RECURSIVE_ACCESS]),
    ].sort(),
    // A driver of cgroups is chosen for all containers, so both have to know it; ours knows all that there are for root.
    linux: { ...linux, cgroup: { ...OWN_CGROUP, ...(isObject(linux.cgroup) ? linux.cgroup : {}) } } as Json,
    annotations: {
      ...(isObject(theirs.annotations) ? theirs.annotations : {}),
      "org.unikrun.version": version,
      "org.unikrun.guests": FAMILY_NAMES.join(","),
      "org.unikrun.accelerator": accelerator,
      // runc's name for a thing that dockerd looks for.
      "org.opencontainers.runc.checkpoint.enabled": "true",
    },
    // Who lets strangers write annotations must keep these from them (features.md); "." at the end: all that begin so.
    potentiallyUnsafeConfigAnnotations: [
      ...new Set([
        ...texts(theirs.potentiallyUnsafeConfigAnnotations),
        "org.systemd.property.",
        "org.unikrun.",
      ]),
    ],
  };
}

/** An old runtime has help for an answer, and a broken one anything. */
function parse(text: string | null): Json {
  try {
    const value: unknown = JSON.parse(text ?? "{}");
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const texts = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((each) => typeof each === "string") : [];
