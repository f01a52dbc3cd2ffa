import test from "ava";
import { ownCgroup, parseHierarchies } from "../../../runtime/container/cgroup/hierarchy.ts";

const mount = (point: string, type: string, options: string, root = "/"): string =>
  `31 23 0:28 ${root} ${point} rw,nosuid shared:9 - ${type} ${type} rw,${options}`;

const LEGACY = [
  "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw",
  mount("/sys/fs/cgroup", "tmpfs", "mode=755"),
  mount("/sys/fs/cgroup/cpu,cpuacct", "cgroup", "cpu,cpuacct"),
  mount("/sys/fs/cgroup/memory", "cgroup", "memory"),
  mount("/sys/fs/cgroup/systemd", "cgroup", "xattr,release_agent=/lib/systemd/agent,name=systemd"),
];

test("version 1 hierarchies are found with the controllers that share them, and named ones", (t) => {
  t.deepEqual(
    parseHierarchies(LEGACY.join("\n")).map(({ version, controllers, mountpoint }) => [
      version,
      controllers.join("+"),
      mountpoint,
    ]),
    [
      [1, "cpu+cpuacct", "/sys/fs/cgroup/cpu,cpuacct"],
      [1, "memory", "/sys/fs/cgroup/memory"],
      [1, "name=systemd", "/sys/fs/cgroup/systemd"],
    ],
  );
});

test("a hierarchy that is mounted twice counts once, by its first mount", (t) => {
  const found = parseHierarchies([...LEGACY, mount("/chroot/memory", "cgroup", "memory")].join("\n"));
  t.deepEqual(
    found.filter(({ controllers }) => controllers.includes("memory")).map((each) => each.mountpoint),
    ["/sys/fs/cgroup/memory"],
  );
});

test("on a hybrid host version 2 stands beside version 1", (t) => {
  const found = parseHierarchies(
    [mount("/sys/fs/cgroup/unified", "cgroup2", "nsdelegate"), ...LEGACY].join("\n"),
  );
  t.deepEqual(
    found.map(({ version }) => version),
    [1, 1, 1, 2],
  );
});

test("version 2 at /sys/fs/cgroup is the only one that counts", (t) => {
  const stray = mount("/mnt/old", "cgroup", "name=stray");
  t.deepEqual(parseHierarchies([stray, mount("/sys/fs/cgroup", "cgroup2", "nsdelegate")].join("\n")), [
    { version: 2, controllers: [], mountpoint: "/sys/fs/cgroup", root: "/" },
  ]);
});

test("no mounted cgroups are no hierarchies, and white space in paths is decoded", (t) => {
  t.deepEqual(parseHierarchies("27 1 254:0 / / rw - ext4 /dev/vda rw\n"), []);
  const [found] = parseHierarchies(mount("/my\\040cgroups", "cgroup", "pids", "/docker/a\\134b"));
  t.like(found, { mountpoint: "/my cgroups", root: "/docker/a\\b" });
});

test("a process's own cgroup is found by hierarchy", (t) => {
  const text = "8:pids:/p\n2:cpu,cpuacct:/c:with:colons\n1:name=systemd:/s\n0::/unified\n";
  const own = (version: 1 | 2, ...controllers: string[]) =>
    ownCgroup(text, { version, controllers, mountpoint: "/x", root: "/" });
  t.is(own(1, "pids"), "/p");
  t.is(own(1, "cpu", "cpuacct"), "/c:with:colons");
  t.is(own(1, "name=systemd"), "/s");
  t.is(own(2), "/unified");
  t.is(own(1, "memory"), undefined);
});

test("a tree that another mount lies over is passed over", (t) => {
  const mountinfo = [
    "30 25 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
    "40 25 0:39 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
    "50 25 0:49 / /sys/fs/cgroup/covered rw - cgroup2 cgroup2 rw",
  ].join("\n");
  const visible = (_: string, device: string): boolean => device === "0:39";
  t.deepEqual(parseHierarchies(mountinfo, visible), [
    { version: 1, controllers: ["memory"], mountpoint: "/sys/fs/cgroup/memory", root: "/" },
  ]);
});
