/** Taps and traffic control, tried in a network namespace of their own, so that the host's is left alone. */
import { loadProgram } from "../../../native/bpf.ts";
import { exists } from "../../../native/files.ts";
import { errorCode } from "../../../native/libc.ts";
import { type Netlink, openNetlink } from "../../../native/netlink.ts";
import { inNetworkNamespace } from "../../../native/process.ts";
import { listLinks } from "../../../native/rtnetlink.ts";
import { addFilter, addIngress, addProgram } from "../../../native/traffic-control.ts";
import { openTap } from "../../../native/tun.ts";
import { inUserNamespace } from "../../../native/user-namespace.ts";
import { reasonOf } from "../../error.ts";
import type { Finding } from "../finding.ts";

export async function checkNetwork(isRoot: boolean): Promise<Finding[]> {
  const subject = "taps";
  if (!exists("/dev/net/tun"))
    return [
      {
        status: "missing",
        subject,
        fact: "there is no /dev/net/tun, so guests can have no network",
        advice: "modprobe tun",
        essential: true,
      },
    ];
  if (!isRoot) {
    const fact = "were not tried, since that takes root";
    return [{ status: "warning", subject, fact, advice: "run unikrun check as root", essential: true }];
  }
  try {
    return await inFreshNamespace(tryTaps);
  } catch (error) {
    const fact = `unknown, since no network namespace could be made to try them in (${reasonOf(error)})`;
    return [
      {
        status: "warning",
        subject,
        fact,
        advice: "install util-linux, and run this where unshare may be used",
        essential: true,
      },
    ];
  }
}

/** What a machine's wiring does: two taps, and a filter that hands the frames of one to the other. */
function tryTaps(): Finding[] {
  using opened = new DisposableStack();
  try {
    opened.use(openTap("ukcheck0", { headers: true }));
    opened.use(openTap("ukcheck1", { headers: true }));
  } catch (error) {
    return [
      {
        status: "missing",
        subject: "taps",
        fact: `a tap can't be made (${reasonOf(error)})`,
        advice: errorCode(error) === "EPERM" ? "allow /dev/net/tun to this process" : "modprobe tun",
        essential: true,
      },
    ];
  }
  const taps: Finding = { status: "ok", subject: "taps", fact: "/dev/net/tun makes them" };
  const subject = "traffic control";
  try {
    const netlink = opened.use(openNetlink());
    const [from, to] = ["ukcheck0", "ukcheck1"].map(
      (name) => listLinks(netlink).find((link) => link.name === name)?.index ?? 0,
    );
    addIngress(netlink, from ?? 0);
    addFilter(netlink, { from: from ?? 0, priority: 1, protocol: "all", to: { index: to ?? 0 } });
    const control: Finding = { status: "ok", subject, fact: "an ingress qdisc with u32 and mirred" };
    return [taps, control, tryPrograms(netlink, from ?? 0)];
  } catch (error) {
    const advice =
      "modprobe sch_ingress cls_u32 act_mirred (-a), of the package with the kernel's other modules";
    const fact = `the kernel does not do it (${reasonOf(error)})`;
    return [taps, { status: "missing", subject, fact, advice, essential: true }];
  }
}

/** By such ones programs beside a guest have their part of its network (network/share.ts), and published ports lead to it (published.ts). */
function tryPrograms(netlink: Netlink, from: number): Finding {
  const subject = "shared networks";
  try {
    using program = loadProgram("unikrun_check", "r0 = 0; exit");
    addProgram(netlink, { from, priority: 2, protocol: "all", program: program.fd, name: "check" });
    return { status: "ok", subject, fact: "eBPF in traffic control" };
  } catch (error) {
    return {
      status: "warning",
      subject,
      fact: `a pod's sidecars have no network beside a guest, and no Swarm service's published port leads to one (${reasonOf(error)})`,
      advice: inUserNamespace()
        ? "run what shares a guest's network by the system's engine: a rootless one may not load eBPF"
        : "modprobe cls_bpf, of the package with the kernel's other modules",
    };
  }
}

/** A process that does nothing holds the namespace, which ends with it. */
async function inFreshNamespace<Result>(action: () => Result): Promise<Result> {
  const holder = Bun.spawn({
    cmd: ["unshare", "--net", "cat"],
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  const patience = setTimeout(() => holder.kill("SIGKILL"), 5000);
  try {
    // What comes back says that it is in its namespace.
    holder.stdin.write("ready\n");
    await holder.stdin.flush();
    const { value } = await holder.stdout.getReader().read();
    if (!value) throw new Error((await holder.stderr.text()).trim() || "unshare ended");
    return inNetworkNamespace(`/proc/${holder.pid}/ns/net`, action);
  } finally {
    clearTimeout(patience);
    holder.kill("SIGKILL");
    await holder.exited;
  }
}
