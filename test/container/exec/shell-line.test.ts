/** What of a shell's text is understood, and that all else is refused. */
import test from "ava";
import { readCommand } from "../../../runtime/container/exec/command.ts";

const shell = (text: string) => readCommand(["/bin/sh", "-c", text]);
const request = { tool: "tcp", port: 80, timeout: 5000 } as const;

test("one of our commands, with an exit code for its failure", async (t) => {
  for (const [text, failure] of [
    ["unikrun tcp 80", undefined],
    ["  unikrun  tcp 80\t", undefined],
    ["unikrun tcp 80\n", undefined],
    ["unikrun tcp 80 || exit 1", 1],
    ["unikrun tcp 80 ||  exit 1 ", 1],
    ["unikrun tcp 80||exit 0", 0],
    ["unikrun tcp 80 || exit 256", 0],
    ["unikrun tcp 80 || exit -1", 255],
    ["unikrun tcp 80 || exit", undefined],
    ["unikrun tcp 80 || false", 1],
    ["unikrun tcp 80 || true", 0],
  ] as const)
    t.deepEqual(
      await shell(text),
      { request, redirects: [], ...(failure === undefined ? {} : { failure }) },
      text,
    );
});

test("quotes are a shell's", async (t) => {
  const path = "/health?a=1&b=$2";
  for (const word of [`'${path}'`, `'/health?a=1&'"b="'$2'`])
    t.deepEqual(await shell(`unikrun http ${word} || exit 3`), {
      request: { tool: "http", host: "localhost", port: 80, path, timeout: 5000 },
      redirects: [],
      failure: 3,
    });
});

test("output goes to /dev/null, and one stream where the other goes", async (t) => {
  for (const [text, redirects] of [
    ["unikrun tcp 80 > /dev/null", ["1 null"]],
    ["unikrun tcp 80 >/dev/null 2>&1 || exit 1", ["1 null", "2 1"]],
    ["unikrun tcp 80 2>&1 1>>/dev/null||exit 1", ["2 1", "1 null"]],
    ["unikrun >&2 tcp 80 2> /dev/null", ["1 2", "2 null"]],
  ] as const)
    t.like(await shell(text), { request, redirects }, text);
});

test("what a shell would do more is refused, with the place where it does", async (t) => {
  for (const [text, place] of [
    ["unikrun tcp 80; ls", "80; ls"],
    ["unikrun tcp $(id)", "$(id)"],
    ['unikrun tcp "$(id)"', '"$(id)"'],
    ['unikrun tcp "`id`"', '"`id`"'],
    ["unikrun tcp $PORT", "$PORT"],
    ["unikrun tcp 80 && ls", "&& ls"],
    ["unikrun tcp 80 &", "&"],
    ["unikrun tcp 80 | grep open", "| grep open"],
    ["unikrun tcp 80 > /etc/passwd", "> /etc/passwd"],
    ["unikrun tcp 80 >/dev/null/../x", ">/dev/null/../x"],
    ["unikrun tcp 80 &> /dev/null", "&> /dev/null"],
    ["unikrun tcp 80>/dev/null", "80>/dev/null"],
    ["unikrun tcp 80 3>/dev/null", "3>/dev/null"],
    ["unikrun tcp 80 > &1", "> &1"],
    ["unikrun tcp 80\nls", "80\nls"],
    ["unikrun tcp 80 || exit 1; ls", "|| exit 1; ls"],
    ["unikrun tcp 80 || exit 1 || ls", "|| exit 1 || ls"],
    ["unikrun tcp 80 || ls || exit 1", "|| ls || exit 1"],
    ["unikrun tcp 80 || exit -2", "|| exit -2"],
    ["|| exit 1", "|| exit 1"],
    ["unikrun tcp 'unclosed", "'unclosed"],
    ["unikrun tcp \\80", "\\80"],
    ['unikrun tcp "\\$x"', '"\\$x"'],
    ["unikrun http /*", "/*"],
    ["unikrun http /[ab]", "/[ab]"],
    ["unikrun http /{a,b}", "/{a,b}"],
    ["unikrun http ~", "~"],
    ["#unikrun tcp 80", "#unikrun tcp 80"],
    ["(unikrun tcp 80)", "(unikrun tcp 80)"],
  ] as const) {
    const why =
      'of what a shell is told only one command is understood, with "|| exit N" and output to /dev/null';
    t.deepEqual(await shell(text), { why: `${why}, not ${JSON.stringify(place)}` });
  }
});

test("other programs, other shells' calls, and no text", async (t) => {
  for (const text of ["", "ls", "unikrun2 tcp 80", "A=b unikrun tcp 80", "exec unikrun tcp 80"])
    t.deepEqual(await shell(text), { why: null }, text);
  for (const args of [
    ["sh", "-c", "unikrun tcp 80", "more"],
    ["sh", "-c"],
    ["fish", "-c", "unikrun tcp 80"],
  ])
    t.deepEqual(await readCommand(args), { why: null });
});
