import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { resolve } from "node:path";
import test, { type ExecutionContext } from "ava";
import {
  annotationSettings,
  imageSettings,
  mergeSettings,
} from "../../../runtime/container/settings/guest.ts";
import { hostSettings, readHostFile, runtimeSetting } from "../../../runtime/container/settings/host.ts";
import { UnikrunError } from "../../../runtime/error.ts";

const SCHEMA_FAMILIES: readonly string[] = JSON.parse(
  readFileSync(resolve(import.meta.dirname, "../../../config.schema.json"), "utf8"),
).definitions.family.enum;

const ABSOLUTE = "must be an absolute path without NUL characters.";

const image = (settings: unknown) => imageSettings(JSON.stringify(settings), "/unikrun.json of the image");
const annotation = (name: string, value: string) => annotationSettings({ [`org.unikrun.${name}`]: value });

async function refused(
  t: ExecutionContext,
  settings: Promise<unknown>,
  message: string | RegExp,
): Promise<void> {
  const error = await t.throwsAsync(settings, { instanceOf: UnikrunError });
  if (typeof message === "string") t.is(error?.message, message);
  else t.regex(error?.message ?? "", message);
}

/** The host's file with this text. */
async function host(text: string, use: (file: string) => Promise<unknown>): Promise<void> {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-settings-`);
  try {
    writeFileSync(`${folder}/config.json`, text);
    await use(`${folder}/config.json`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("the host's file sets the VMM, the accelerator and the other runtime; without a file nothing is set", async (t) => {
  const all = {
    qemu: "/opt/qemu",
    accelerator: "tcg",
    firmware: "seabios",
    sayEmulated: true,
    runtime: "/usr/bin/crun",
  };
  await host(JSON.stringify({ $schema: "./config.schema.json", ...all }), async (file) => {
    t.like(await hostSettings(file), all);
    t.deepEqual(await hostSettings(`${file}.absent`), {});
  });
});

for (const [settings, says] of [
  ['{"qemu":"qemu"}', `: qemu ${ABSOLUTE}`],
  ['{"qemu":5}', ": qemu must be a string."],
  ['{"accelerator":"hvf"}', ": accelerator must be one of auto, kvm, tcg."],
  ['{"firmware":"ovmf"}', ": firmware must be one of unikrun, seabios."],
  ['{"sayEmulated":"yes"}', ": sayEmulated must be true or false."],
  ['{"kernel":"/k","qemu":5}', ": qemu must be a string."],
  ["[]", ": it must be an object."],
] as const)
  test(`the host's file ${settings} is refused by its name and field`, async (t) => {
    await host(settings, (file) => refused(t, hostSettings(file), `${file}${says}`));
  });

test("what is no setting in the host's file is ignored, with a word about it", async (t) => {
  const text = '{"acelerator":"kvm","kernel":"/k","qemu":"/opt/qemu","__proto__":1,"runtim":[]}';
  await host(text, async (file) => {
    const { settings, ignored } = await readHostFile(file);
    t.deepEqual(settings, { qemu: "/opt/qemu" });
    const all =
      "there are qemu, solo5-spt, solo5-hvt, accelerator, firmware, sayEmulated, networkRules, runtime, store, cacheSize, warmSize, volumeSize";
    t.deepEqual(
      ignored.map((sentence) =>
        sentence.replace(`${file}: `, "").replace(" is no setting and is ignored", ""),
      ),
      [
        "acelerator: did you mean accelerator?",
        `kernel: ${all}`,
        `__proto__: ${all}`,
        "runtim: did you mean runtime?",
      ],
    );
  });
});

test("what is no unikernel depends on the host's runtime alone", async (t) => {
  for (const [text, runtime] of [
    ['{"runtime":"/opt/crun","qemu":5,"nonsense":1}', { runtime: "/opt/crun" }],
    ['{"memory":"much"}', {}],
  ] as const)
    await host(text, async (file) => t.deepEqual(await runtimeSetting(file), runtime));
  await host("{", async (file) =>
    t.regex((await runtimeSetting(file)).wrong ?? "", /config\.json is not JSON/),
  );
  await host("[]", async (file) =>
    t.deepEqual(await runtimeSetting(file), { wrong: `${file}: it must be an object.` }),
  );
  await host('{"runtime":"runc"}', (file) =>
    refused(t, runtimeSetting(file), `${file}: runtime ${ABSOLUTE}`),
  );
});

test("the host's file that can't be read, or is not JSON, is one clear sentence", async (t) => {
  await host("{", async (file) => {
    await refused(t, hostSettings(file), /^\S+config\.json is not JSON \(.+\)\.$/);
    rmSync(file);
    mkdirSync(file);
    await refused(t, hostSettings(file), /^\S+config\.json can't be read \(.+\)\.$/);
  });
});

const everything = {
  family: "rumprun",
  kernel: "/nginx.bin",
  args: ["-c", "/data/conf/nginx.conf"],
  memory: 64,
  disks: [
    { path: "/etc.iso", mountpoint: "/etc", readOnly: true, format: "raw" },
    { path: "/data.iso", mountpoint: "/data" },
    { path: "/raw.img" },
  ],
  warm: 80,
};

test("an image sets the kernel, its arguments, memory and disks", async (t) => {
  t.deepEqual((await image(everything)) as unknown, everything);
  t.deepEqual(await image({}), {});
});

for (const [settings, says] of [
  [{ qemu: "/bin/sh" }, "qemu can be set by the host only, in /etc/unikrun/config.json."],
  [{ runtime: "/bin/sh" }, "runtime can be set by the host only, in /etc/unikrun/config.json."],
  [{ accelerator: "kvm" }, "accelerator can be set by the host only, in /etc/unikrun/config.json."],
  [{ firmware: "seabios" }, "firmware can be set by the host only, in /etc/unikrun/config.json."],
  [
    { kernal: "/k" },
    "kernal is no setting: there are family, kernel, initrd, loader, args, memory, disks, warm.",
  ],
  [
    JSON.parse('{"__proto__":{}}'),
    "__proto__ is no setting: there are family, kernel, initrd, loader, args, memory, disks, warm.",
  ],
  [{ kernel: "nginx.bin" }, `kernel ${ABSOLUTE}`],
  [{ kernel: "/nginx\0.bin" }, `kernel ${ABSOLUTE}`],
  [{ kernel: null }, "kernel must be a string."],
  [{ family: "hurd" }, `family must be one of ${SCHEMA_FAMILIES.join(", ")}.`],
  [{ args: "-v" }, "args must be an array."],
  [{ args: ["-v", 1] }, "args[1] must be a string."],
  [{ args: ["-v\0"] }, "args[0] must be a string without NUL characters."],
  [{ memory: "64" }, "memory must be a whole number."],
  [{ memory: 0.5 }, "memory must be a whole number."],
  [{ memory: 0 }, "memory must be 1 or more."],
  [{ memory: 2 ** 30 }, "memory must be 1048576 or less."],
  [{ warm: "http" }, "warm must be a whole number."],
  [{ warm: 0 }, "warm must be 1 or more."],
  [{ warm: 65536 }, "warm must be 65535 or less."],
  [{ disks: {} }, "disks must be an array."],
  [{ disks: [{}] }, "disks[0] has no path."],
  [{ disks: [{ path: "/a" }, { path: "b" }] }, `disks[1].path ${ABSOLUTE}`],
  [{ disks: [{ path: "/a", mountpoint: "etc" }] }, `disks[0].mountpoint ${ABSOLUTE}`],
  [{ disks: [{ path: "/a", readOnly: false }] }, "disks[0].readOnly can only be true."],
  [{ disks: [{ path: "/a", format: "qcow2" }] }, "disks[0].format can only be raw."],
  [
    { disks: [{ path: "/a", qemu: 1 }] },
    "disks[0].qemu is no setting: there are path, mountpoint, readOnly, format.",
  ],
  [[], "it must be an object."],
] as const)
  test(`an image with ${JSON.stringify(settings)} is refused: ${says}`, (t) =>
    refused(t, image(settings), `/unikrun.json of the image: ${says}`));

test("an image's file that is not JSON is refused by its name", (t) =>
  refused(
    t,
    imageSettings("kernel=/k", "/unikrun.json of the image"),
    /^\/unikrun\.json of the image is not JSON \(.+\)\.$/,
  ));

test("annotations set the same things, and accelerator and firmware, as texts", async (t) => {
  const { disks, args, ...rest } = everything;
  const settings = await annotationSettings({
    "io.kubernetes.cri.container-type": "container",
    "org.unikrun.family": rest.family,
    "org.unikrun.kernel": rest.kernel,
    "org.unikrun.memory": "64",
    "org.unikrun.warm": "80",
    "org.unikrun.args": JSON.stringify(args),
    "org.unikrun.disks": JSON.stringify(disks),
    "org.unikrun.accelerator": "tcg",
    "org.unikrun.firmware": "seabios",
  });
  t.deepEqual(settings as unknown, { ...everything, accelerator: "tcg", firmware: "seabios" });
  t.deepEqual(await annotationSettings({ "org.unikrunner.kernel": "k" }), {});
});

for (const [name, value, says] of [
  ["memory", "64M", " must be a whole number."],
  ["memory", "-1", " must be a whole number."],
  ["memory", "0", " must be 1 or more."],
  ["kernel", "k", ` ${ABSOLUTE}`],
  ["args", '["-v"', /^The annotation org\.unikrun\.args is not JSON \(.+\)\.$/],
  ["args", '"-v"', " must be an array."],
  ["disks", '[{"path":1}]', /^The annotation org\.unikrun\.disks\[0\]\.path must be a string\.$/],
  ["accelerator", "hvf", " must be one of auto, kvm, tcg."],
  ["firmware", "ovmf", " must be one of unikrun, seabios."],
  ["networkRules", "off", " must be one of refuse, ignore."],
  ["qemu", "/bin/sh", " can be set by the host only, in /etc/unikrun/config.json."],
  [
    "kernal",
    "/k",
    " is no setting: there are family, kernel, initrd, loader, args, memory, disks, warm, accelerator, firmware, sayEmulated, networkRules.",
  ],
] as const)
  test(`the annotation org.unikrun.${name}=${value} is refused by its name`, (t) =>
    refused(
      t,
      annotation(name, value),
      typeof says === "string" ? `The annotation org.unikrun.${name}${says}` : says,
    ));

test("annotations win over the image, setting by setting", async (t) => {
  const merged = mergeSettings(
    await image({ kernel: "/a", memory: 16, args: ["-a"] }),
    await annotationSettings({ "org.unikrun.kernel": "/b", "org.unikrun.args": "[]" }),
  );
  t.deepEqual(merged, { kernel: "/b", memory: 16, args: [] });
});
