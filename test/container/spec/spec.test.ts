import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import test, { type ExecutionContext } from "ava";
import { parseConfig, readConfig, specOf } from "../../../runtime/container/spec/spec.ts";
import { UnikrunError } from "../../../runtime/error.ts";
import { fixtures, fixtureTest } from "../../spec-fixtures.ts";

type Json = Record<string, unknown>;

const minimal = { ociVersion: "1.0.2", root: { path: "rootfs" } };
const read = (config: Json) => specOf(parseConfig(JSON.stringify(config), "config.json of /b"));
const withProcess = (process: Json): Json => ({ ...minimal, process: { cwd: "/", ...process } });

function readSpec(bundle: string) {
  return specOf(readConfig(bundle));
}

function refused(t: ExecutionContext, config: Json, message: string): void {
  t.is(t.throws(() => read(config), { instanceOf: UnikrunError })?.message, message);
}

function withFolder(use: (folder: string) => void): void {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-spec-`);
  try {
    use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a wrong field is named by its place, with what it must be and what it is", (t) => {
  refused(
    t,
    withProcess({ args: ["/nginx.bin", 5] }),
    "config.json of /b: process.args[1] must be a string, not a number.",
  );
});

test("a soft limit above the hard one, and the same limit twice, are refused", (t) => {
  const limit = (soft: number, hard: number) => ({ type: "RLIMIT_NOFILE", soft, hard });
  refused(
    t,
    withProcess({ rlimits: [limit(2, 1)] }),
    "config.json of /b: process.rlimits[0]: the soft limit 2 is above the hard limit 1.",
  );
  refused(
    t,
    withProcess({ rlimits: [limit(1, 1), limit(2, 2)] }),
    'config.json of /b: process.rlimits[1].type repeats "RLIMIT_NOFILE": each may stand once.',
  );
  t.regex(
    t.throws(() => read(withProcess({ rlimits: [{ type: "RLIMIT_FUN", soft: 1, hard: 1 }] }))).message,
    /rlimits\[0\]\.type must be one of RLIMIT_CPU, .*, not "RLIMIT_FUN"\.$/,
  );
});

test("no limit at all, 2^64 - 1, is a limit", (t) => {
  const text = `{"ociVersion":"1.0.2","root":{"path":"r"},"process":{"cwd":"/","rlimits":[
    {"type":"RLIMIT_CORE","soft":18446744073709551615,"hard":18446744073709551615}]}}`;
  t.is(specOf(parseConfig(text, "it")).process?.rlimits?.[0]?.soft, 2 ** 64);
});

for (const version of ["1.0.0", "1.0.0-rc5", "1.0.0-rc.2", "1.0.2-dev", "1.1.0+build.7", "1.10.12"])
  test(`version ${version} of the specification is read`, (t) => {
    t.is(read({ ...minimal, ociVersion: version }).ociVersion, version);
  });

for (const version of ["0.5.0-dev", "2.0.0", "1", "1.0", "01.0.0", "1.0.00", "v1.0.0", "1.0.0-", "1.0.0 "])
  test(`version ${JSON.stringify(version)} of the specification is refused`, (t) => {
    refused(
      t,
      { ...minimal, ociVersion: version },
      `config.json of /b: ociVersion ${JSON.stringify(version)} is not supported: this runtime knows versions 1.x of the specification.`,
    );
  });

test("properties that nobody knows are accepted everywhere, as the specification demands", (t) => {
  const config = {
    ...minimal,
    future: { any: 1 },
    root: { path: "r", future: 1 },
    process: {
      cwd: "/",
      future: 1,
      user: { uid: 0, gid: 0, future: 1 },
      capabilities: { bounding: ["CAP_FUTURE"] },
    },
    linux: {
      future: 1,
      seccomp: { defaultAction: "SCMP_ACT_FUTURE", future: [] },
      resources: { future: {} },
    },
    mounts: [{ destination: "relative", future: 1 }],
  };
  t.deepEqual(read(config) as unknown, config);
});

test("null is as good as absent where a property may be absent: Go writes empty lists so", (t) => {
  t.notThrows(() =>
    read({ ...minimal, process: null, hooks: { prestart: null }, linux: { namespaces: null }, mounts: null }),
  );
});

test("a value too long to read is cut in the message", (t) => {
  const { message } = t.throws(() => read(withProcess({ cwd: "x".repeat(10_000) })));
  t.true(message.length < 150, message);
});

test("config.json that is not JSON, or no object, is one clear sentence", (t) => {
  for (const text of ["{]", "", "\ufeff{}", '{"ociVersion":']) {
    const { message } = t.throws(() => specOf(parseConfig(text, "config.json of /b")), {
      instanceOf: UnikrunError,
    });
    t.regex(message, /^The config\.json of \/b is not JSON \(.+\)\.$/);
  }
  for (const text of ["null", "[]", "1"]) {
    const { message } = t.throws(() => specOf(parseConfig(text, "config.json of /b")), {
      instanceOf: UnikrunError,
    });
    t.is(message, "The config.json of /b must be a JSON object.");
  }
});

test("a bundle, or its config.json, that is not there is one clear sentence", (t) => {
  withFolder((folder) => {
    t.is(
      t.throws(() => readSpec(`${folder}/absent`), { instanceOf: UnikrunError })?.message,
      `The bundle ${folder}/absent is not there: --bundle must name a folder with config.json in it.`,
    );
    t.is(
      t.throws(() => readSpec(folder), { instanceOf: UnikrunError })?.message,
      `The config.json of ${folder} is not there: --bundle must name the folder of an OCI bundle.`,
    );
    mkdirSync(`${folder}/config.json`);
    t.regex(
      t.throws(() => readSpec(folder), { instanceOf: UnikrunError }).message,
      /^The config\.json of \S+ can't be read \(.+\)\.$/,
    );
  });
});

test("a bundle's config.json is read as it is", (t) => {
  withFolder((folder) => {
    writeFileSync(`${folder}/config.json`, JSON.stringify(minimal));
    t.deepEqual(readSpec(folder), minimal);
  });
});

const isOurs = (name: string): boolean => !/^(freebsd|zos|windows|solaris)-/.test(name);

fixtureTest("every good fixture of the specification for Linux is accepted", "test/config/good", (t) => {
  const found = fixtures("test/config/good").filter(({ name }) => isOurs(name));
  t.true(found.length >= 5);
  for (const { name, text } of found) {
    // One of them calls itself 0.5.0-dev, which is older than what we promise to read.
    const current = text.replace('"0.5.0-dev"', '"1.0.0"');
    t.notThrows(() => specOf(parseConfig(current, name)), name);
  }
});

fixtureTest("every bad fixture of the specification for Linux is refused", "test/config/bad", (t) => {
  const places: Record<string, RegExp> = {
    "invalid-json.json": /is not JSON/,
    "linux-hugepage.json":
      /linux\.resources\.hugepageLimits\[0\]\.pageSize must be a size such as 2MB, not "64kB"/,
    "linux-netdevice.json": /linux\.netDevices\["eth0"\]\.name must be a string, not a number/,
    "linux-rdma.json": /linux\.resources\.rdma\["mlx5_1"\]\.hcaHandles must be a whole number, not a string/,
  };
  const found = fixtures("test/config/bad").filter(({ name }) => isOurs(name));
  t.true(found.length >= Object.keys(places).length);
  for (const { name, text } of found) {
    const { message } = t.throws(() => specOf(parseConfig(text, name)), { instanceOf: UnikrunError }, name);
    t.regex(message, places[name] ?? /./);
  }
});
