import test from "ava";
import { cgroupFolder, cgroupPath, systemdPlace } from "../../../runtime/container/cgroup/path.ts";

const plain = (cgroupsPath?: string): string => cgroupPath({ id: "box", cgroupsPath });
const unit = (cgroupsPath?: string): string => systemdPlace({ id: "box", cgroupsPath }).path;

test("cgroupsPath is taken as it is, absolute or relative, and none is the container's id", (t) => {
  t.is(plain("/docker/abc"), "/docker/abc");
  t.is(plain("/docker//abc/"), "/docker/abc");
  t.is(plain("mine/abc"), "mine/abc");
  t.is(plain(""), "box");
  t.is(plain(), "box");
});

test("no cgroupsPath leads out of the tree", (t) => {
  t.is(plain("/../../etc"), "/etc");
  t.is(plain("../../etc"), "etc");
  t.is(plain(".."), "box");
});

test("with systemd, slice:prefix:name is where systemd puts that scope", (t) => {
  t.is(unit("system.slice:docker:abc"), "/system.slice/docker-abc.scope");
  t.is(
    unit("kubepods-burstable-pod1.slice:cri-containerd:abc"),
    "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-abc.scope",
  );
  t.is(unit("-.slice:docker:abc"), "/docker-abc.scope");
  t.deepEqual(systemdPlace({ id: "box", cgroupsPath: "a-b.slice:libpod:abc" }), {
    unit: "libpod-abc.scope",
    slice: "a-b.slice",
    path: "/a.slice/a-b.slice/libpod-abc.scope",
  });
});

test("systemd's default is system.slice", (t) => {
  t.is(unit(), "/system.slice/unikrun-box.scope");
  t.is(unit(":docker:abc"), "/system.slice/docker-abc.scope");
});

test("what is no slice:prefix:name is refused", (t) => {
  for (const wrong of [
    "/docker/abc",
    "a:b",
    "a.slice:b:c:d",
    "a.slice:b:",
    "a.slice:b:../c",
    "a.slice::b.slice",
  ]) {
    t.throws(() => unit(wrong), { message: /Container box: .*"slice:prefix:name"/ }, wrong);
  }
  for (const wrong of ["a", "a--b.slice", "-a.slice", ".slice", "a-.slice"]) {
    t.throws(() => unit(`${wrong}:docker:abc`), { message: /no name of a systemd slice/ }, wrong);
  }
});

test("an absolute path counts from the top, a relative one from the caller's own cgroup", (t) => {
  const memory = { version: 1 as const, controllers: ["memory"], mountpoint: "/cg/memory", root: "/" };
  const unified = { version: 2 as const, controllers: [], mountpoint: "/cg", root: "/" };
  const self = () => "4:memory:/caller\n0::/session/scope\n";
  t.is(
    cgroupFolder(memory, "/docker/abc", () => t.fail() as never),
    "/cg/memory/docker/abc",
  );
  t.is(cgroupFolder(memory, "abc", self), "/cg/memory/caller/abc");
  t.is(
    cgroupFolder(unified, "abc", self),
    "/cg/session/abc",
    "beside the caller: its own cgroup holds processes",
  );
  t.is(
    cgroupFolder(memory, "abc", () => "0::/x\n"),
    "/cg/memory/abc",
  );
});

test("inside a container the mount shows a part of the tree", (t) => {
  const memory = {
    version: 1 as const,
    controllers: ["memory"],
    mountpoint: "/cg/memory",
    root: "/docker/outer",
  };
  t.is(
    cgroupFolder(memory, "abc", () => "4:memory:/docker/outer/inner\n"),
    "/cg/memory/inner/abc",
  );
  t.is(
    cgroupFolder(memory, "abc", () => "4:memory:/elsewhere\n"),
    "/cg/memory/abc",
  );
});
