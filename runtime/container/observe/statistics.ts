/** What `events --stats` says of a container, in runc's form (types/events.go of runc). */
import { readTextOrNull } from "../../../native/files.ts";
import { isTapName } from "../../network/taps.ts";
import { openCgroup } from "../cgroup/cgroup.ts";
import { figure, readerOf } from "../cgroup/figures.ts";
import { figuresV1 } from "../cgroup/figures-v1.ts";
import { figuresV2 } from "../cgroup/figures-v2.ts";
import type { Container } from "../record/container.ts";
import { guestDisks } from "./guest-disks.ts";

/** Numbers of a container's cgroup, its guest's network cards as the container's interfaces count them, and its guest's disks. */
export function statisticsOf(root: string, container: Container) {
  const cgroup = openCgroup(container.cgroup);
  const file = readerOf(cgroup);
  return {
    type: "stats",
    id: container.id,
    data: {
      ...(cgroup.version === 1 ? figuresV1(file) : figuresV2(file)),
      network_interfaces: interfacesOf(container.pid),
      // A frozen VMM answers nobody.
      disks: cgroup.isFrozen() ? [] : guestDisks(root, container),
    },
  };
}

/** As the guest counts: what the container's interface received, its guest received. */
function interfacesOf(pid: number) {
  const FIELDS = { rx: 0, tx: 8 };
  const lines = (readTextOrNull(`/proc/${pid}/net/dev`) ?? "").split("\n").slice(2);
  return lines.flatMap((line) => {
    const [name = "", rest = ""] = line.split(":").map((part) => part.trim());
    if (name === "" || name === "lo" || isTapName(name)) return [];
    const values = rest.split(/\s+/).map(figure);
    const counters = (at: number) => ({
      bytes: values[at] ?? 0n,
      packets: values[at + 1] ?? 0n,
      errors: values[at + 2] ?? 0n,
      dropped: values[at + 3] ?? 0n,
    });
    const [rx, tx] = [counters(FIELDS.rx), counters(FIELDS.tx)];
    return [
      {
        Name: name,
        RxBytes: rx.bytes,
        RxPackets: rx.packets,
        RxErrors: rx.errors,
        RxDropped: rx.dropped,
        TxBytes: tx.bytes,
        TxPackets: tx.packets,
        TxErrors: tx.errors,
        TxDropped: tx.dropped,
      },
    ];
  });
}
