import test from "ava";
import type { Container } from "../../../runtime/container/record/container.ts";
import { stateDocument } from "../../../runtime/container/record/status.ts";
import { fixtures, fixtureTest, schemaCheck } from "../../spec-fixtures.ts";

const container = {
  version: 1,
  ociVersion: "1.0.2",
  id: "web",
  bundle: "/bundle",
  annotations: { "org.example.a": "b" },
  pid: 4422,
} as unknown as Container;

fixtureTest("the state that hooks get is valid by the specification's schema", "state-schema.json", (t) => {
  const check = schemaCheck("state-schema.json");
  for (const { name, text } of fixtures("test/state/good")) t.is(check(JSON.parse(text)), null, name);
  for (const { name, text } of fixtures("test/state/bad")) t.throws(() => JSON.parse(text), undefined, name);
  for (const status of ["created", "running", "stopped"] as const)
    t.is(check(JSON.parse(JSON.stringify(stateDocument(container, status)))), null, status);
  t.not(check({ ...stateDocument(container, "created"), id: 5 }), null);
});

test("a stopped container's state has no pid, any other has", (t) => {
  t.false("pid" in stateDocument(container, "stopped"));
  t.is(stateDocument(container, "running").pid, 4422);
});
