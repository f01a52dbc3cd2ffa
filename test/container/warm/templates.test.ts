/** The store of templates: who may write one, which go, and what is no template. */
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import test, { type ExecutionContext } from "ava";
import { listTemplates, pruneTemplates } from "../../../runtime/container/warm/all-templates.ts";
import {
  draftTemplate,
  hasTemplate,
  openTemplate,
  removeTemplate,
} from "../../../runtime/container/warm/templates.ts";

const KIB = 1024;
const nameOf = (number: number): string => `${String(number).padStart(32, "0")}-${"a".repeat(32)}`;

function makeStore(t: ExecutionContext): string {
  const store = mkdtempSync(`${tmpdir()}/unikrun-store-`);
  t.teardown(() => rmSync(store, { recursive: true }));
  return store;
}

const CARD = {
  mac: "02:42:0a:09:00:02",
  mtu: 1500,
  addresses: [{ family: 4, address: "10.9.0.2", prefix: 24 }],
  gateways: [],
} as const;

/** A template of 256 KiB, last used so many seconds before now. */
function make(store: string, number: number, used: number): void {
  using draft = draftTemplate(store, nameOf(number));
  if (!draft) throw new Error("somebody makes it");
  writeFileSync(`${draft.folder}/state`, Buffer.alloc(64 * KIB, 1));
  writeFileSync(`${draft.folder}/memory`, Buffer.alloc(192 * KIB, 2));
  draft.finish({
    container: `c${number}`,
    neighbours: [],
    kernel: "/k",
    phase: { phase: "main", code: -1, halting: false },
    machine: {
      family: "rumprun",
      accelerator: "tcg",
      firmware: "unikrun",
      memoryMiB: 64,
      bootArguments: "",
      nics: [CARD],
      disks: [],
    },
    sizes: { state: 64 * KIB, memory: 192 * KIB, disks: [] },
  });
  const time = Date.now() / 1000 - used;
  utimesSync(`${store}/warm/${nameOf(number)}/template.json`, time, time);
}

const names = (store: string): string[] => listTemplates(store).map(({ name }) => name);

test("those that were not used for longest go, until the rest has room", (t) => {
  const store = makeStore(t);
  for (const [number, used] of [
    [1, 10],
    [2, 30],
    [3, 20],
    [4, 40 * 24 * 3600],
  ] as const)
    make(store, number, used);
  t.deepEqual(names(store), [1, 3, 2, 4].map(nameOf));
  pruneTemplates(store, 9000 * KIB);
  t.deepEqual(names(store), [1, 3, 2].map(nameOf), "a month is too long");
  pruneTemplates(store, 600 * KIB);
  t.deepEqual(names(store), [nameOf(1), nameOf(3)]);
  openTemplate(store, nameOf(3))?.[Symbol.dispose]();
  pruneTemplates(store, 300 * KIB);
  t.deepEqual(names(store), [nameOf(3)], "it was used just now");
  pruneTemplates(store, KIB);
  t.deepEqual(readdirSync(`${store}/warm`), []);
});

test("one writes a template, and what he leaves when he is killed is taken over or removed", (t) => {
  const store = makeStore(t);
  {
    using draft = draftTemplate(store, nameOf(1));
    t.truthy(draft);
    t.is(draftTemplate(store, nameOf(1)), null);
    t.false(hasTemplate(store, nameOf(1)), "it is not whole yet");
    t.is(openTemplate(store, nameOf(1)), null);
  }
  t.deepEqual(readdirSync(`${store}/warm`), [], "he gave up");
  // The lock of one that was killed is gone with him.
  using left = draftTemplate(store, nameOf(2));
  t.truthy(left);
  make(store, 1, 10);
  t.is(draftTemplate(store, nameOf(1)), null, "it is there");
  pruneTemplates(store, 600 * KIB);
  t.true(existsSync(`${store}/warm/${nameOf(2)}.new`), "somebody makes it");
  left?.[Symbol.dispose]();
  Bun.spawnSync(["mkdir", "-m", "700", `${store}/warm/${nameOf(3)}.new`]);
  writeFileSync(`${store}/warm/${nameOf(3)}.new/state`, "half");
  pruneTemplates(store, 600 * KIB);
  t.deepEqual(readdirSync(`${store}/warm`), [nameOf(1)]);
});

test("what is not as a template has to be is none", (t) => {
  const store = makeStore(t);
  const broken = (change: (folder: string) => void): void => {
    make(store, 1, 10);
    change(`${store}/warm/${nameOf(1)}`);
    t.throws(() => openTemplate(store, nameOf(1)));
    removeTemplate(store, nameOf(1));
    t.is(openTemplate(store, nameOf(1)), null);
  };
  broken((folder) => writeFileSync(`${folder}/state`, "short"));
  broken((folder) => writeFileSync(`${folder}/template.json`, '{"version":2}'));
  broken((folder) => {
    rmSync(`${folder}/memory`);
    symlinkSync("/etc/passwd", `${folder}/memory`);
  });
  broken((folder) => rmSync(`${folder}/template.json`));
});
