import test from "ava";
import { withoutEngineInit } from "../../../runtime/container/engines/own-init.ts";
import type { Spec } from "../../../runtime/container/spec/oci.ts";

function spec(args: readonly string[], ...destinations: readonly string[]): Spec {
  const mounts = destinations.map((destination) => ({ destination, type: "bind", source: "/host" }));
  return { ociVersion: "1.0.2", root: { path: "rootfs" }, process: { cwd: "/", args }, mounts };
}

test("the init of docker run --init is left out, with its mount", (t) => {
  const given = spec(["/sbin/docker-init", "--", "/kernel", "a"], "/data", "/sbin/docker-init");
  const { process, mounts } = withoutEngineInit(given);
  t.deepEqual(process?.args, ["/kernel", "a"]);
  t.deepEqual(
    mounts?.map(({ destination }) => destination),
    ["/data"],
  );
});

test("Podman's and nerdctl's are known too", (t) => {
  for (const init of ["/run/podman-init", "/sbin/tini"])
    t.deepEqual(withoutEngineInit(spec([init, "--", "/kernel"], init)).process?.args, ["/kernel"], init);
});

test("an image's own program of that name, and other programs, stay", (t) => {
  for (const given of [
    spec(["/sbin/docker-init", "--", "/kernel"], "/data"),
    spec(["/sbin/docker-init", "/kernel"], "/sbin/docker-init"),
    spec(["/kernel", "--"], "/kernel"),
    spec([]),
  ])
    t.is(withoutEngineInit(given), given);
});
