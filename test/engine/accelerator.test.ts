import { mkdirSync, writeFileSync } from "node:fs";
import test from "ava";
import { askMachine } from "../../native/control.ts";
import { makeBench, placeInNetwork } from "../conformance/harness.ts";
import { engine, eventually, makeNetns, runProbe, startProbe, succeed } from "./harness.ts";
import { mustEnd } from "./table/answers.ts";

test.serial("this engine's QEMU has nothing to warn of in a machine with every device there is", (t) => {
  const { netns } = makeNetns(t, 4);
  using bench = makeBench(["http", "80"]);
  placeInNetwork(bench, netns);
  const { folder } = bench;
  for (const name of ["read", "written"]) mkdirSync(`${folder}/${name}`);
  writeFileSync(`${folder}/read/file`, "text");
  bench.configure((config) => {
    config.mounts = [
      { destination: "/read", source: `${folder}/read`, type: "bind", options: ["bind", "ro"] },
      { destination: "/written", source: `${folder}/written`, type: "bind", options: ["bind", "rw"] },
      { destination: "/scratch", source: "tmpfs", type: "tmpfs" },
    ];
  });
  mustEnd(bench.call("create"), 0);
  // It throws where QEMU warns.
  mustEnd(bench.call("start", bench.id), 0);
  const state = `${bench.root}/${bench.id}`;
  t.is((askMachine(state, { execute: "query-block" }) as unknown[]).length, 3);
});

test.serial(
  "`docker info` says whether guests are emulated, once dockerd has read its runtimes again",
  async (t) => {
    if (engine === "20") return void t.pass("it does not show what a runtime says of itself");
    const name = startProbe(t);
    const isEmulated = succeed(["docker", "exec", name, "unikrun", "status"]).includes("tcg");
    const accelerator = (): string => {
      const { unikrun } = JSON.parse(succeed(["docker", "info", "--format", "{{json .Runtimes}}"]));
      const { annotations } = JSON.parse(unikrun.status["org.opencontainers.runtime-spec.features"]);
      return annotations["org.unikrun.accelerator"];
    };
    for (const pid of succeed(["pidof", "dockerd"]).split(" ")) process.kill(Number(pid), "SIGHUP");
    const told = await eventually("what guests get", () =>
      accelerator() === "unknown" ? undefined : accelerator(),
    );
    t.is(told, isEmulated ? "tcg" : "kvm");
  },
);

test.serial(
  "`docker logs` says that a guest is emulated where the host's settings or an annotation ask for it",
  (t) => {
    if (engine === "20") return void t.pass("docker run has no annotations before Docker 24");
    const annotations = ["org.unikrun.accelerator=tcg", "org.unikrun.sayEmulated=true"];
    const { stderr } = runProbe(
      ["return", "0"],
      annotations.flatMap((each) => ["--annotation", each]),
    );
    t.regex(stderr, /^unikrun: guests are emulated \(TCG\)/m);
  },
);
