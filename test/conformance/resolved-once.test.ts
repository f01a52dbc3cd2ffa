/** What a container is to be is decided when it is created: nothing that changes later decides for its start. */
import { writeFileSync } from "node:fs";
import test from "ava";
import { makeBench } from "./harness.ts";
import { privateHost } from "./private-host.ts";

for (const firmware of ["unikrun", "seabios"]) {
  test.serial(`a start reads neither the host's settings nor config.json again (${firmware})`, async (t) => {
    using host = await privateHost();
    host.configure({ firmware, accelerator: "tcg" });
    using bench = makeBench(["return", "7"], { "unikrun.json": `{ "memory": 32 }` }, host.runtime);
    t.is(bench.call("create").code, 0);
    host.configure({ qemu: "/nowhere/qemu", nonsense: true });
    writeFileSync(`${bench.bundle}/config.json`, "no JSON");
    writeFileSync(`${bench.rootfs}/unikrun.json`, "nor is this");
    const { code, log } = bench.call("start", bench.id);
    t.is(code, 0, log.at(-1)?.msg);
    t.is(bench.wait(), 7);
    t.is(bench.call("delete", bench.id).code, 0);
  });
}
