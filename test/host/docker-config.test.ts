import test from "ava";
import { UnikrunError } from "../../runtime/error.ts";
import { dockerFormat } from "../../runtime/host/docker-config.ts";

const FILE = "/etc/docker/daemon.json";
const registration = { name: "unikrun", binary: "/usr/local/bin/unikrun" };
const add = (text: string | null): string => dockerFormat.add(text, FILE, registration);
const remove = (text: string, original: string | null): string =>
  dockerFormat.remove(text, FILE, "unikrun", original);

test("without a file, one is made that says this runtime and nothing else", (t) => {
  t.is(
    add(null),
    `{
  "runtimes": {
    "unikrun": {
      "path": "/usr/local/bin/unikrun"
    }
  }
}
`,
  );
  t.is(add(""), add(null));
});

test("the entry has the indentation of what is there", (t) => {
  t.is(
    add(`{\n\t"debug": true,\n\t"runtimes": {\n\t\t"kata": { "path": "/k" }\n\t}\n}`),
    `{\n\t"debug": true,\n\t"runtimes": {\n\t\t"kata": { "path": "/k" },\n\t\t"unikrun": {\n\t\t\t"path": "/usr/local/bin/unikrun"\n\t\t}\n\t}\n}`,
  );
  t.is(
    add(`{\r\n    "debug": true\r\n}\r\n`),
    `{\r\n    "debug": true,\r\n    "runtimes": {\r\n        "unikrun": {\r\n            "path": "/usr/local/bin/unikrun"\r\n        }\r\n    }\r\n}\r\n`,
  );
  t.is(
    add(`{"debug": true}`),
    `{"debug": true, "runtimes": { "unikrun": { "path": "/usr/local/bin/unikrun" } }}`,
  );
});

const TEXTS = [
  "{}",
  "{}\n",
  `{"debug":true}`,
  `{ "debug": true }\n`,
  `{\n  "debug": true\n}`,
  `{\n  "runtimes": {}\n}\n`,
  `{"runtimes": {}}`,
  `{\n\t"runtimes": {\n\t\t"a": { "path": "/a" },\n\t\t"b": { "runtimeType": "io.containerd.x" }\n\t},\n\t"debug": true\n}\n`,
  `{"runtimes":{"a":{"path":"/a"}},"z":[1,{"runtimes":3},"}{"]}`,
  `{\r\n   "log-opts": { "max-size": "10m" }\r\n}\r\n`,
  `  {\n"a": "\\u00e9\\"} , é\\\\",\n"b": -1.5e+3 }  \n`,
  `{"a": 1,\n "b": 2}`,
];

for (const text of TEXTS)
  test(`${JSON.stringify(text)} with the runtime says all that it said, and without it is what it was`, (t) => {
    const added = add(text);
    const before = JSON.parse(text) as Record<string, unknown>;
    const runtimes = {
      ...((before.runtimes as object | undefined) ?? {}),
      unikrun: { path: registration.binary },
    };
    t.deepEqual(JSON.parse(added), { ...before, runtimes });
    t.deepEqual(Object.keys(JSON.parse(added)), Object.keys({ ...before, runtimes }));
    t.is(remove(added, text), text);
  });

test("an entry is taken out from between others, first or last", (t) => {
  const text = (entries: string): string => `{\n  "runtimes": {${entries}}\n}\n`;
  const own = `"unikrun": { "path": "/u" }`;
  t.is(remove(text(`${own}, "a": {}`), null), text(`"a": {}`));
  t.is(remove(text(`"a": {}, ${own}, "b": {}`), null), text(`"a": {}, "b": {}`));
  t.is(remove(text(own), null), "{}\n");
});

test("what the runtimes are is listed, with those that have no path", (t) => {
  const text = `{"runtimes": {"a": {"path": "/a"}, "b": {"runtimeType": "io.containerd.x"}, "unikrun": {"path": "/u"}}}`;
  t.deepEqual(
    dockerFormat.list(text, FILE).map(({ name, binary }) => [name, binary]),
    [
      ["a", "/a"],
      ["b", null],
      ["unikrun", "/u"],
    ],
  );
});

for (const [text, place] of [
  [`{\n  "debug": true,\n}`, "line 3, column 1"],
  [`{\n  // note\n}`, "line 2, column 3"],
  [`{"a": 1 "b": 2}`, "line 1, column 9"],
  [`{"a": [1 2]}`, "line 1, column 10"],
  [`{"a": 01}`, "line 1, column 8"],
  [`{"a": "x\ny"}`, "line 1, column 7"],
  [`{"a": "\\x"}`, "line 1, column 7"],
  [`{"a": tru}`, "line 1, column 7"],
  [`{"a"; 1}`, "line 1, column 5"],
  [`{} {}`, "line 1, column 4"],
  [`[]`, "line 1, column 1"],
  [`{"a": 1`, "line 1, column 8"],
  [`{'a': 1}`, "line 1, column 2"],
] as const)
  test(`${JSON.stringify(text)} is refused, with its place`, (t) => {
    const error = t.throws(() => add(text), { instanceOf: UnikrunError });
    t.true(error?.message.startsWith(`${FILE} is not valid JSON: at ${place} `), error?.message);
    t.false(error?.message.includes("\n"));
  });

test("runtimes that are no object, or there twice, are refused", (t) => {
  t.throws(() => add(`{"runtimes": []}`), { instanceOf: UnikrunError, message: /not an object/ });
  t.throws(() => add(`{"runtimes": {}, "runtimes": {}}`), { instanceOf: UnikrunError, message: /twice/ });
});

test("the runtime that is dockerd's default is not taken out, since dockerd would not start any more", (t) => {
  const text = add(`{"default-runtime": "unikrun"}`);
  const { message } = t.throws(() => remove(text, null), { instanceOf: UnikrunError });
  t.regex(
    message,
    /has "default-runtime": "unikrun".*make it "runc" and reload dockerd first; nothing was changed\.$/,
  );
  const other = add(`{"default-runtime": "runc"}`);
  t.is(remove(other, null), `{"default-runtime": "runc"}`);
});
