import test, { type ExecutionContext } from "ava";
import { features } from "../../../runtime/container/engines/features.ts";
import { defaultSpec } from "../../../runtime/container/spec/default.ts";
import { parseConfig, specOf } from "../../../runtime/container/spec/spec.ts";
import { fixtures, fixtureTest, schemaCheck } from "../../spec-fixtures.ts";

/** As runc 1.3 has it, shortened. */
const RUNC = {
  ociVersionMin: "1.0.0",
  ociVersionMax: "1.2.1",
  hooks: ["prestart", "createRuntime", "poststart", "poststop"],
  mountOptions: ["bind", "nosuid", "rbind", "rnosuid", "ro", "rro", "rrw", "rw"],
  linux: {
    namespaces: ["cgroup", "mount", "user"],
    capabilities: ["CAP_CHOWN", "CAP_KILL"],
    cgroup: { v1: true, v2: true, systemd: true, systemdUser: true, rdma: true },
    seccomp: { enabled: true, actions: ["SCMP_ACT_ALLOW"], supportedFlags: ["SECCOMP_FILTER_FLAG_LOG"] },
    apparmor: { enabled: true },
    selinux: { enabled: false },
    mountExtensions: { idmap: { enabled: true } },
    netDevices: { enabled: true },
  },
  annotations: { "org.opencontainers.runc.version": "1.3.6" },
  potentiallyUnsafeConfigAnnotations: ["bundle", "org.systemd.property."],
};

const accepted = (t: ExecutionContext, config: object): void =>
  void t.notThrows(
    () => specOf(parseConfig(JSON.stringify({ ...defaultSpec(), ...config }), "it")),
    JSON.stringify(config),
  );

fixtureTest("what `features` prints is valid by the specification's schema", "features-schema.json", (t) => {
  const check = schemaCheck("features-schema.json");
  for (const { name, text } of fixtures("test/features/good")) t.is(check(JSON.parse(text)), null, name);
  for (const { name, text } of fixtures("test/features/bad")) t.not(check(JSON.parse(text)), null, name);
  for (const other of [null, JSON.stringify(RUNC), "unknown command", "[]"])
    t.is(check(JSON.parse(JSON.stringify(features(other)))), null, String(other));
  t.not(check({ ...features(), linux: { namespaces: ["net"] } }), null);
});

fixtureTest("what `spec` writes is valid by the specification's schema", "config-schema.json", (t) => {
  t.is(schemaCheck("config-schema.json")(JSON.parse(JSON.stringify(defaultSpec()))), null);
});

test("what `spec` writes is a unikernel's bundle with a read-only root and namespaces of its own", (t) => {
  const spec = specOf(parseConfig(JSON.stringify(defaultSpec()), "it"));
  t.deepEqual(spec.process?.args, ["/unikernel.bin"]);
  t.false(spec.process?.terminal);
  t.deepEqual(spec.root, { path: "rootfs", readonly: true });
  t.deepEqual(spec.linux?.namespaces?.map(({ type }) => type).sort(), [
    "ipc",
    "mount",
    "network",
    "pid",
    "uts",
  ]);
  t.true(spec.linux?.namespaces?.every(({ path }) => path === undefined));
});

test("config.json of every version, hook kind and namespace that `features` names is accepted", (t) => {
  const { ociVersionMin, ociVersionMax, hooks, linux } = features();
  for (const ociVersion of [ociVersionMin, ociVersionMax]) accepted(t, { ociVersion });
  for (const kind of hooks) accepted(t, { hooks: { [kind]: [{ path: "/bin/true" }] } });
  for (const type of linux.namespaces as string[]) accepted(t, { linux: { namespaces: [{ type }] } });
});

test("`features` warns that our annotations change what the runtime does", (t) => {
  for (const begins of ["org.unikrun.", "org.systemd.property."])
    t.true(features().potentiallyUnsafeConfigAnnotations.includes(begins));
});

test("`features` says of Linux containers what the runtime says that runs them", (t) => {
  const { cgroup: _, ...linux } = features(JSON.stringify(RUNC)).linux;
  const { cgroup: __, ...theirs } = RUNC.linux;
  t.deepEqual(linux, theirs);
  const both = features(JSON.stringify(RUNC));
  t.deepEqual(both.mountOptions, RUNC.mountOptions);
  t.is(both.ociVersionMax, "1.2.1");
  t.is((both.annotations as Record<string, string>)["org.opencontainers.runc.version"], "1.3.6");
  t.deepEqual(both.potentiallyUnsafeConfigAnnotations, ["bundle", "org.systemd.property.", "org.unikrun."]);
});

test("a kind of hook that one of the two runtimes would pass over is not in `features`", (t) => {
  t.deepEqual(features(JSON.stringify(RUNC)).hooks.map(String), RUNC.hooks);
});

test("without another runtime `features` speaks of unikernels: rro holds, and so do user namespaces", (t) => {
  const { mountOptions, linux } = features();
  t.true(mountOptions.includes("rro"));
  t.true((linux.namespaces as string[]).includes("user"));
});
