import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import test from "ava";
import { classify } from "../../runtime/guest/detect.ts";
import { readElf } from "../../runtime/guest/file/elf.ts";
import { elfImage, elfTrouble } from "../../runtime/guest/file/elf-image.ts";
import type { Boot } from "../../runtime/guest/guest.ts";
import { unikraftLine } from "../../runtime/guest/unikraft/line.ts";
import { unikraft } from "../../runtime/guest/unikraft.ts";
import { fileOf, patched } from "./kernels.ts";

const text = (boot: Partial<Boot>): string =>
  unikraftLine({ args: ["/kernel"], env: [], cwd: "/", nics: [], disks: [], ...boot }).commandLine;

const nic = (address: string, gateway?: string) => ({
  mac: "02:42:ac:11:00:02",
  mtu: 1500,
  addresses: [
    { family: 6 as const, address: "fd00::2", prefix: 64 },
    { family: 4 as const, address, prefix: 16 },
  ],
  gateways: gateway === undefined ? [] : [{ family: 4 as const, address: gateway }],
});

test("arguments stand behind the separator, which is never the first word", (t) => {
  t.is(text({ args: ["/kernel", "serve", "8080"] }), "netdev.ip= -- serve 8080");
  t.is(text({ env: ["A=1"] }), "env.vars=A=1 --");
});

test("what white space, quotes or backslashes would change stands in double quotes", (t) => {
  t.is(
    text({ args: ["/kernel", "a b", `'`, `"\\`], env: ["A=b c"] }),
    `"env.vars=A=b c" -- "a b" "'" "\\"\\\\"`,
  );
});

test("a card is told its address, gateway and names, and another one its address only", (t) => {
  t.is(
    text({
      nics: [nic("172.17.0.2", "172.17.0.1"), nic("172.18.0.2")],
      hostname: "web",
      nameServers: ["fd00::1", "169.254.53.53", "8.8.8.8", "9.9.9.9"],
      searchDomains: ["odd:domain", "example.org"],
    }),
    "netdev.ip=172.17.0.2/16:172.17.0.1:169.254.53.53:8.8.8.8:web:example.org netdev.ip=172.18.0.2/16 --",
  );
});

test("a kernel is told only what it was built to take", (t) => {
  const boot = { nics: [nic("172.17.0.2")], env: ["A=1"] };
  t.is(text({ ...boot, knows: new Set(["vfs.fstab x 4"]) }), "netdev.ip= --");
  t.is(text({ ...boot, knows: new Set(["netdev.ip x 1", "env.vars x 1"]) }), text(boot));
  const two = { nics: [nic("172.17.0.2"), nic("172.18.0.2")], knows: new Set(["netdev.ip x 1"]) };
  t.throws(() => text(two), { message: /addresses of 2 cards, since its kernel was built for 1/ });
});

test("what is too much is refused, without a word of its values", (t) => {
  t.throws(() => text({ args: ["/kernel", ..."x".repeat(60)] }), { message: /more than 59 words/ });
  t.throws(() => text({ args: ["/kernel", "x".repeat(5000)] }), { message: /more than 40\d\d bytes/ });
  t.throws(() => text({ args: ["/kernel", "x", "secret\0"] }), {
    message: /argument 2: .* a NUL; do without it\.$/,
  });
  t.throws(() => text({ env: ["TOKEN=secret\0"] }), { message: /the environment variable TOKEN: [^=]*$/ });
  t.throws(() => text({ env: ["[A=1"] }), { message: /process\.env\[0\]/ });
  t.throws(() => text({ env: ["\x1b[2J=\0"] }), { message: /the environment variable \?\[2J: / });
  t.throws(() => text({ nics: [nic("172.17.0.2")], hostname: "a:b" }), { message: /host name "a:b"/ });
});

const GUEST = readFileSync(resolve(import.meta.dirname, "../../build/guest/unikraft.bin"));

test("a 32-bit file with its section is one, with its version and what it takes", (t) => {
  const found = classify(fileOf(GUEST));
  if (found.kind !== "guest") return t.fail(found.kind);
  t.is(found.family.name, "unikraft");
  t.deepEqual(found.recognition, { version: "0.17.9" });
  const knows = unikraft.traits(fileOf(GUEST)).knows;
  t.deepEqual([...knows].sort(), ["env.vars x 3", "netdev.ip x 4", "vfs.fstab x 4"]);
});

test("it is loaded where its program headers say, variables included", (t) => {
  const { entry, pieces, end } = unikraft.image(fileOf(GUEST));
  t.is(entry, 0x10000c);
  t.like(pieces[0], { offset: 0x1000, address: 0x100000 });
  t.true(end > 0x100000 + (pieces[0]?.size ?? 0));
});

/** Its first program header, field by field. */
const HEADER = 52;
const field = (at: number, value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return { [HEADER + at]: [...bytes] };
};

function trouble(changes: Parameters<typeof patched>[1]): string {
  const found = classify(fileOf(patched(GUEST, changes)));
  return found.kind === "broken" ? found.why : found.kind;
}

test("headers by which nothing can be loaded are told in a clause", (t) => {
  t.regex(trouble(field(12, 0x1000)), /first MiB/);
  t.regex(trouble(field(12, 0xffffff00)), /behind 4 GiB/);
  t.regex(trouble(field(20, 16)), /contradict/);
  t.regex(trouble({ 24: [0, 0, 0, 0x10] }), /entry point is outside/);
  t.regex(trouble(field(0, 6)), /no program headers/);
  t.regex(trouble(field(4, GUEST.length)), /no program headers|truncated/);
});

test("a virtual entry point becomes a physical one", (t) => {
  const reading = readElf(fileOf(patched(GUEST, field(12, 0x400000))));
  if (reading.kind !== "elf") return t.fail(reading.kind);
  t.is(elfTrouble(reading.elf), null);
  t.is(elfImage(reading.elf).entry, 0x40000c);
});

test("whatever bytes its headers have, it is a guest or a clause says why not", (t) => {
  let state = 1;
  const random = (below: number): number => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return Math.floor((state / 2 ** 31) * below);
  };
  const sections = GUEST.readUInt32LE(32);
  for (let round = 0; round < 3000; round++) {
    const file = Buffer.from(GUEST);
    for (let change = 0; change < 3; change++)
      file[random(3) === 0 ? sections + random(GUEST.length - sections) : 4 + random(116)] = random(256);
    const made = fileOf(file);
    const found = classify(made);
    if (found.kind !== "guest") continue;
    const { pieces, end } = found.family.image(made);
    t.true(pieces.every(({ offset, size }) => offset + size <= file.length) && end <= 2 ** 32);
    found.family.traits(made);
  }
});
