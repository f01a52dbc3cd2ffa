import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import test from "ava";
import { checkHost } from "../../runtime/host/check.ts";
import { judgeCgroups } from "../../runtime/host/checks/cgroups.ts";
import { checkEngines } from "../../runtime/host/checks/engines.ts";
import { checkProcessor } from "../../runtime/host/checks/processor.ts";
import { checkVolumes } from "../../runtime/host/checks/programs.ts";
import { judgeServices } from "../../runtime/host/checks/services.ts";
import { judgeFirmware, judgeKvm, judgeQemu } from "../../runtime/host/checks/vmm.ts";
import { canRun, type Finding, screenOf } from "../../runtime/host/finding.ts";

test("the processor's flags tell whether KVM can be", (t) => {
  t.is(checkProcessor("flags\t\t: fpu vmx sse\n", null).fact, "has VT-x (vmx)");
  t.is(checkProcessor("flags\t\t: fpu svm\n", null).status, "ok");
  t.regex(checkProcessor("flags\t\t: fpu hypervisor\n", null).advice ?? "", /nested/);
  t.regex(checkProcessor("flags\t\t: fpu vmxnet\n", null).advice ?? "", /firmware/);
});

test("a trial on KVM, and a setting, overrule the processor's flags", (t) => {
  const none = "flags\t\t: fpu hypervisor\n";
  t.like(checkProcessor(none, { kind: "good" }), {
    status: "ok",
    fact: "shows neither VT-x nor AMD-V; KVM is fast all the same",
  });
  t.is(checkProcessor(none, { kind: "slow", why: "the reason" }).status, "warning");
  t.is(checkProcessor(none, { kind: "broken", why: "the reason" }, { accelerator: "tcg" }).status, "ok");
});

test("QEMU must be 7.2 or newer", (t) => {
  for (const version of ["7.2", "7.2.22", "8.0.0", "10.1.2"])
    t.is(judgeQemu("/q", version).status, "ok", version);
  for (const version of ["7.1.0", "6.9", "2.12", null]) {
    const finding = judgeQemu("/q", version);
    t.is(finding.status, "missing");
    t.false(canRun([finding]));
  }
});

test("firmware is looked for in QEMU's folders", (t) => {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-host-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  t.false(canRun([judgeFirmware([folder], {})]));
  t.regex(judgeFirmware([folder], {}).fact, /^QEMU finds no QEMU's loader of kernels \(multiboot\.bin\)$/);
  writeFileSync(`${folder}/multiboot_dma.bin`, "");
  t.is(judgeFirmware(["/nowhere", folder], {}).status, "ok");
});

test("SeaBIOS has to be there where the host's settings want it", (t) => {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-host-`);
  t.teardown(() => rmSync(folder, { recursive: true }));
  writeFileSync(`${folder}/multiboot.bin`, "");
  t.false(canRun([judgeFirmware([folder], { firmware: "seabios" })]));
  writeFileSync(`${folder}/bios-256k.bin`, "");
  t.is(judgeFirmware([folder], { firmware: "seabios" }).fact, "SeaBIOS and QEMU's loader of kernels");
});

test("without KVM guests run all the same, but where the host's settings want KVM only", (t) => {
  t.is(judgeKvm({ kind: "good" }, {}).status, "ok");
  // What somebody set is what they want.
  t.is(judgeKvm({ kind: "good" }, { accelerator: "tcg" }).status, "ok");
  t.is(judgeKvm({ kind: "broken", why: "the reason" }, { accelerator: "tcg" }).status, "ok");
  const verdicts = (["slow", "broken", "undecided"] as const).map((kind) => ({ kind, why: "the reason" }));
  for (const verdict of verdicts) {
    const finding = judgeKvm(verdict, {});
    t.true(canRun([finding]), verdict.kind);
    t.regex(finding.fact, /the reason; guests are emulated/);
    t.is(canRun([judgeKvm(verdict, { accelerator: "kvm" })]), verdict.kind !== "broken", verdict.kind);
  }
});

test("what to do about KVM fits why it does not work, and what the processor has", (t) => {
  const adviceFor = (why: string, flags: string) =>
    judgeKvm({ kind: "broken", why }, {}, `flags\t\t: ${flags}\n`).advice ?? "";
  t.is(adviceFor("there is no /dev/kvm", "vmx"), "modprobe kvm_intel");
  t.is(adviceFor("the kernel has nothing behind /dev/kvm", "svm"), "modprobe kvm_amd");
  t.regex(adviceFor("there is no /dev/kvm", "hypervisor"), /nested virtualization/);
  t.regex(adviceFor("/dev/kvm can't be opened (open /dev/kvm: Operation not permitted)", "vmx"), /--device/);
  t.notRegex(adviceFor("QEMU failed on it: no", "vmx"), /firmware|modprobe/);
});

test("cgroups are told by their versions and controllers", (t) => {
  const unified = { version: 2, controllers: [], mountpoint: "/sys/fs/cgroup", root: "/" } as const;
  const legacy = {
    version: 1,
    controllers: ["cpu", "cpuset", "memory", "pids"],
    mountpoint: "/m",
    root: "/",
  } as const;
  t.is(
    judgeCgroups([unified], ["cpu", "cpuset", "io", "memory", "pids"]).fact,
    "version 2: cpu, cpuset, io, memory, pids",
  );
  t.is(judgeCgroups([legacy, unified], []).fact, "versions 1 and 2 (hybrid): cpu, cpuset, memory, pids");
  t.is(judgeCgroups([unified], ["cpu", "cpuset", "pids"]).status, "warning");
});

test("missing tools for volumes are told, and guests run without them", (t) => {
  const finding = checkVolumes("this host has no e2fsck to repair it with: install e2fsprogs");
  t.is(finding.status, "missing");
  t.true(canRun([finding]));
});

test("a service in which unikrun can't run is told, with the setting that is in the way", (t) => {
  const unit = (id: string, values: string) => `Id=${id}.service\nLoadState=loaded\n${values}\n`;
  const usual = "MemoryDenyWriteExecute=no\nLimitAS=infinity\nLimitDATA=infinity";
  t.deepEqual(judgeServices(unit("docker", usual)), []);
  t.deepEqual(judgeServices(""), []);
  t.deepEqual(judgeServices(`Id=crio.service\nLoadState=not-found\nMemoryDenyWriteExecute=yes\n`), []);
  const found = judgeServices(
    [
      unit("docker", usual.replace("=no", "=yes")),
      unit("containerd", usual.replace("LimitAS=infinity", "LimitAS=2147483648")),
      unit("crio", usual.replace("LimitDATA=infinity", "LimitDATA=8589934592")),
    ].join("\n"),
  );
  t.deepEqual(
    found.map(({ subject, status }) => `${subject} ${status}`),
    ["docker unit missing", "containerd unit missing"],
  );
  t.regex(found[0]?.advice ?? "", /systemctl edit docker\.service: MemoryDenyWriteExecute=no below/);
  t.regex(found[1]?.fact ?? "", /has LimitAS=2147483648, too little/);
});

test("an engine is told by its version and by whether it knows this runtime", (t) => {
  const root = mkdtempSync(`${tmpdir()}/unikrun-host-`);
  t.teardown(() => rmSync(root, { recursive: true }));
  t.is(checkEngines(root)[0]?.subject, "engines");
  for (const folder of ["usr/bin", "etc/docker"]) mkdirSync(`${root}/${folder}`, { recursive: true });
  writeFileSync(`${root}/usr/bin/dockerd`, "");
  t.is(checkEngines(root)[0]?.advice, "unikrun install docker");
  writeFileSync(`${root}/etc/docker/daemon.json`, `{"runtimes": {"uk": {"path": "/usr/bin/unikrun"}}}`);
  t.regex(checkEngines(root)[0]?.fact ?? "", /is not there/);
  writeFileSync(`${root}/usr/bin/unikrun`, "", { mode: 0o755 });
  t.is(checkEngines(root)[0]?.fact, "of unknown version; has uk (/usr/bin/unikrun)");
  writeFileSync(`${root}/etc/docker/daemon.json`, "{");
  t.like(checkEngines(root)[0], { status: "warning" });
  t.regex(checkEngines(root)[0]?.advice ?? "", /Mend it there first; then unikrun install docker$/);
});

test("what is essential and was not tried leaves it open whether guests can run", (t) => {
  const about = { subject: "taps", fact: "were not tried", advice: "run it as root" };
  const untried: Finding = { ...about, status: "warning", essential: true };
  t.false(canRun([untried]));
  t.regex(screenOf([untried]), /is not known: see the warnings\.$/);
  t.regex(
    screenOf([{ ...untried, status: "missing" }]),
    /can't run on this host yet: see what is missing\.$/,
  );
  t.regex(screenOf([{ subject: "taps", fact: "are there", status: "ok" }]), /can run on this host\.$/);
  t.regex(screenOf([{ ...about, status: "missing" }]), /can run on this host, but see what is missing\.$/);
});

test("a long fact and its advice are wrapped below each other", (t) => {
  const words = "word ".repeat(40).trim();
  const finding: Finding = { status: "missing", subject: "traffic control", fact: words, advice: words };
  const lines = screenOf([finding]).split("\n");
  for (const line of lines) t.true(line.length <= 100, line);
  t.true(lines[0]?.startsWith("missing  traffic control word"));
  t.true(lines.some((line) => line.startsWith(`${" ".repeat(25)}-> word`)));
});

test("what there is to say of this host fits on a screen", async (t) => {
  const findings = await checkHost();
  const lines = screenOf(findings).split("\n");
  t.true(lines.length <= 40, String(lines.length));
  for (const line of lines) t.true(line.length <= 100, line);
  for (const subject of ["processor", "QEMU", "taps", "cgroups", "volumes"])
    t.true(
      findings.some((finding) => finding.subject === subject),
      subject,
    );
});
