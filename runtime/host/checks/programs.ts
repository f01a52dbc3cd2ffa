/** Other programs that some containers need. */
import { exists } from "../../../native/files.ts";
import { otherRuntime } from "../../container/delegate/other-runtime.ts";
import { whyNoRepair } from "../../disk/repair.ts";
import { versionOf } from "../engines.ts";
import type { Finding } from "../finding.ts";

export function checkVolumes(trouble: string | undefined = whyNoRepair()): Finding {
  const subject = "volumes";
  if (trouble === undefined)
    return { status: "ok", subject, fact: "e2fsck and debugfs are there to repair them" };
  return {
    status: "missing",
    subject,
    fact: `a disk that was not unmounted stays closed: ${trouble}`,
    advice: "apt-get install e2fsprogs (Debian)",
  };
}

export async function checkOtherRuntime(): Promise<Finding> {
  const subject = "other runtime";
  const path = await otherRuntime().catch(() => null);
  if (path === null)
    return {
      status: "warning",
      subject,
      fact: "there is neither runc nor crun, so what is not a unikernel can't run",
      advice: "apt-get install runc (Debian), if it should",
    };
  if (exists(path)) return { status: "ok", subject, fact: `${path} ${versionOf(path) ?? ""}`.trimEnd() };
  return {
    status: "warning",
    subject,
    fact: `${path} is not there, so what is not a unikernel can't run`,
    advice: 'set "runtime" in /etc/unikrun/config.json to the path of runc or crun',
  };
}
