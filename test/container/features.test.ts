import test, { type ExecutionContext } from "ava";
import { defaultSpec } from "../../runtime/container/default-spec.ts";
import { features } from "../../runtime/container/features.ts";
import { parseSpec } from "../../runtime/container/spec.ts";
import { fixtures, fixtureTest, schemaCheck } from "../spec-fixtures.ts";

const accepted = (t: ExecutionContext, config: object): void =>
  void t.notThrows(
    () => parseSpec(JSON.stringify({ ...defaultSpec(), ...config }), "it"),
    JSON.stringify(config),
  );

fixtureTest("what `features` prints is valid by the specification's schema", "features-schema.json", (t) => {
  const check = schemaCheck("features-schema.json");
  for (const { name, text } of fixtures("test/features/good")) t.is(check(JSON.parse(text)), null, name);
  for (const { name, text } of fixtures("test/features/bad")) t.not(check(JSON.parse(text)), null, name);
  t.is(check(JSON.parse(JSON.stringify(features()))), null);
  t.not(check({ ...features(), linux: { namespaces: ["net"] } }), null);
});

fixtureTest("what `spec` writes is valid by the specification's schema", "config-schema.json", (t) => {
  t.is(schemaCheck("config-schema.json")(JSON.parse(JSON.stringify(defaultSpec()))), null);
});

test("what `spec` writes is a unikernel's bundle with a read-only root and namespaces of its own", (t) => {
  const spec = parseSpec(JSON.stringify(defaultSpec()), "it");
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
  for (const type of linux.namespaces) accepted(t, { linux: { namespaces: [{ type }] } });
});

test("`features` warns that our annotations change what the runtime does", (t) => {
  t.true(features().potentiallyUnsafeConfigAnnotations.includes("org.unikrun."));
});
