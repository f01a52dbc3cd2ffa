/** All that pods leave on a node as long as they are there. */
import { readdirSync } from "node:fs";
import { readIfThere } from "../../proc.ts";
import { command } from "../harness.ts";
import type { Node } from "./node.ts";

export function traces(node: Node): Readonly<Record<string, readonly string[]>> {
  return {
    processes: programs().filter((line) => /^\S*(qemu|containerd-shim|unikrun|sleep)/.test(line)),
    cgroups: lines(["find", "/sys/fs/cgroup", "-type", "d", "-path", "*/kubepods/*/*"]),
    namespaces: list("/run/netns"),
    links: lines(["ip", "-o", "link"])
      .map((line) => line.split(":")[1]?.trim() ?? "")
      // The CNI plugin makes it with the first pod, and leaves it.
      .filter((name) => name !== "cni-test"),
    addresses: list(`${node.folder}/ipam/pods-bridge`).filter((name) => /^\d/.test(name)),
    results: list("/var/lib/cni/results").filter((name) => name.startsWith("pods-")),
    runtime: list("/run/containerd/runc/k8s.io"),
    bundles: list(`${node.folder}/state/io.containerd.runtime.v2.task/k8s.io`),
    mounts: readIfThere("/proc/self/mounts")
      .split("\n")
      .filter((line) => line.includes(node.folder)),
    containers: lines([
      "ctr",
      "--address",
      `${node.folder}/containerd.sock`,
      "-n",
      "k8s.io",
      "containers",
      "ls",
      "-q",
    ]),
  };
}

/** The command lines of all that run. */
function programs(): string[] {
  return list("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => readIfThere(`/proc/${pid}/cmdline`).replaceAll("\0", " "));
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

const lines = (cmd: readonly string[]): string[] => command(cmd).stdout.split("\n").filter(Boolean).sort();
