/** `unikrun check` on hosts that are wrong in one way: what it says does not contradict itself, and says what to do. */
import test, { type ExecutionContext } from "ava";
import { type PrivateHost, privateHost } from "./private-host.ts";

interface Finding {
  readonly status: string;
  readonly subject: string;
  readonly fact: string;
  readonly advice?: string;
}

/** Each that is not ok says what to do. */
function check(t: ExecutionContext, { runtime }: PrivateHost) {
  const { exitCode, stdout } = Bun.spawnSync([runtime, "check", "--json"]);
  const { canRun, findings } = JSON.parse(stdout.toString()) as { canRun: boolean; findings: Finding[] };
  t.is(exitCode, canRun ? 0 : 1);
  for (const { status, subject, advice } of findings) t.is(advice !== undefined, status !== "ok", subject);
  return {
    canRun,
    of: (subject: string) => findings.find((finding) => finding.subject === subject),
  };
}

test.serial("guests that are to be emulated need no KVM, so nothing warns of it", async (t) => {
  using host = await privateHost();
  host.configure({ accelerator: "tcg" });
  host.hideDevice();
  const { canRun, of } = check(t, host);
  t.true(canRun);
  t.is(of("processor")?.status, "ok");
  t.like(of("KVM"), { status: "ok" });
  t.regex(of("KVM")?.fact ?? "", /the host's settings say tcg, so guests are emulated$/);
});

test.serial("settings that are wrong or unknown, and an absent QEMU, say what to do", async (t) => {
  using host = await privateHost();
  host.hideDevice();
  host.configure("{");
  t.like(check(t, host), { canRun: false });
  t.like(check(t, host).of("settings"), { status: "missing" });
  host.configure({ acelerator: "tcg", accelerator: "tcg" });
  t.like(check(t, host).of("settings"), { status: "warning", advice: "correct its name, or take it out" });
  host.configure({ qemu: "/absent" });
  t.like(check(t, host).of("QEMU"), {
    status: "missing",
    advice: 'set "qemu" in /etc/unikrun/config.json to the path of qemu-system-x86_64',
  });
});

test.serial("what is known of KVM is the trial's word, whatever the flags are", async (t) => {
  using host = await privateHost();
  const { of } = check(t, host);
  if (of("KVM")?.status === "ok") t.is(of("processor")?.status, "ok");
  else t.regex(of("KVM")?.fact ?? "", /; guests are emulated \(TCG\)$/);
});
