/** What stands in a guest's places, by the kinds of mounts that engines make. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import test from "ava";
import { run } from "../network/netns.ts";
import { makeGuest } from "./volume-harness.ts";

test.serial("a tmpfs has the mode, owner and size that are said", async (t) => {
  const guest = makeGuest(t, [
    { destination: "/plain", type: "tmpfs", source: "tmpfs" },
    {
      destination: "/own",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "size=2m", "mode=0750", "uid=1000", "gid=2000"],
    },
  ]);
  guest.do("create");
  guest.do("start", guest.bench.id);
  const stat = async (path: string) => JSON.parse(await guest.get(`/stat?path=${path}`));
  t.like(await stat("/plain"), { kind: "folder", mode: "1777", uid: 0, gid: 0 });
  t.like(await stat("/own"), { kind: "folder", mode: "0750", uid: 1000, gid: 2000 });
  const { disks } = JSON.parse(await guest.get("/config"));
  t.deepEqual(
    disks.map((disk: { mountpoint: string; bytes: number }) => [disk.mountpoint, disk.bytes]),
    [
      ["/plain", 64 << 20],
      ["/own", 2 << 20],
    ],
  );
});

test.serial(
  "an overlay is a copy of its folders, and what the guest writes there is gone with it",
  async (t) => {
    const guest = makeGuest(t, []);
    const { id, folder } = guest.bench;
    const [lower, image, upper] = [
      `${folder}/lower: with a colon`,
      `${folder}/image`,
      `${folder}/${id}/upper`,
    ];
    for (const path of [lower, image, upper]) mkdirSync(path, { recursive: true });
    writeFileSync(`${lower}/file`, "from below");
    writeFileSync(`${image}/other`, "of the image");
    const escaped = lower.replaceAll(":", "\\:");
    const overlay = (destination: string, ...options: string[]) => ({
      destination,
      type: "overlay",
      source: `${folder}/merge`,
      options: [...options, "private"],
    });
    guest.bench.configure((config) =>
      Object.assign(config, {
        mounts: [
          overlay("/over", `lowerdir=${escaped}`, `upperdir=${upper}`, `workdir=${folder}/work`),
          overlay("/img", `lowerdir=${image}:${escaped}`),
        ],
      }),
    );
    guest.do("create");
    guest.do("start", guest.bench.id);
    t.is(await guest.get("/file?path=/over/file"), "from below");
    t.is(await guest.get("/file?path=/img/file"), "from below");
    t.is(await guest.get("/file?path=/img/other"), "of the image");
    await guest.put("/over/file", "by the guest");
    guest.stop();
    guest.do("delete", guest.bench.id);
    t.is(readFileSync(`${lower}/file`, "utf8"), "from below");
    t.deepEqual(readdirSync(upper), []);
    guest.bench.configure((config) =>
      Object.assign(config, { mounts: [overlay("/over", `lowerdir=${escaped}`, `upperdir=${folder}/kept`)] }),
    );
    t.regex(
      guest.bench.call("create").stderr,
      /writes into the overlay \/over can't be kept in \S+\/kept: leave/,
    );
  },
);

test.serial("what an engine copies into the created container's files is the guest's", async (t) => {
  const guest = makeGuest(t, []);
  const { rootfs } = guest.bench;
  mkdirSync(`${rootfs}/conf`);
  writeFileSync(`${rootfs}/conf/own`, "of the image");
  guest.do("create");
  mkdirSync(`${rootfs}/run/secrets`, { recursive: true });
  writeFileSync(`${rootfs}/run/secrets/token`, "open sesame");
  writeFileSync(`${rootfs}/conf/added`, "by the engine");
  guest.do("start", guest.bench.id);
  t.is(await guest.get("/file?path=/run/secrets/token"), "open sesame");
  t.is(await guest.get("/file?path=/conf/own"), "of the image");
  t.is(await guest.get("/file?path=/conf/added"), "by the engine");
});

test.serial("a tmpfs that is to be read only can't be written", async (t) => {
  const guest = makeGuest(t, [
    {
      destination: "/fixed",
      type: "tmpfs",
      source: "tmpfs",
      options: ["ro", "mode=1777", "uid=1000", "gid=2000"],
    },
  ]);
  guest.do("create");
  guest.do("start", guest.bench.id);
  t.like(JSON.parse(await guest.get("/stat?path=/fixed")), {
    kind: "folder",
    mode: "1777",
    uid: 1000,
    gid: 2000,
  });
  t.not(await guest.write("/fixed/file", "text"), 200);
});

test.serial("a device that the container's rules deny is refused before it is opened", (t) => {
  const guest = makeGuest(t, []);
  const device = `${guest.bench.folder}/disk`;
  // Of no driver: to open it would fail by another reason.
  run(`mknod ${device} b 240 77`);
  const begin = (readOnly: boolean, devices: readonly object[]): string => {
    const options = ["rbind", readOnly ? "ro" : "rw"];
    guest.bench.configure((config) => {
      Object.assign(config, { mounts: [{ destination: "/data", source: device, options }] });
      Object.assign(config.linux, { resources: { ...config.linux.resources, devices } });
    });
    guest.do("create");
    const { code, stderr } = guest.bench.call("start", guest.bench.id);
    t.is(code, 1);
    guest.do("delete", "--force", guest.bench.id);
    return stderr;
  };
  const none = { allow: false, access: "rwm" };
  const reading = { allow: true, type: "b", major: 240, minor: 77, access: "r" };
  t.regex(begin(true, [none]), /the device \S+disk \(240:77\) may not be read by this container/);
  t.regex(
    begin(false, [none, reading]),
    /the device \S+disk \(240:77\) may not be written by this container/,
  );
  t.regex(begin(true, [none, reading]), /the disk \S+disk can't be opened/);
});
