/** What curl, wget and nc are asked for in health checks as people write them. */
import test from "ava";
import { readCommand } from "../../../runtime/container/exec/command.ts";
import { httpDirectives } from "../../../runtime/container/exec/http.ts";

const shell = (text: string) => readCommand(["/bin/sh", "-c", text]);

/** What is sent, and what else is told to init, of "host:port" and its timeout. */
async function asked(text: string) {
  const command = await shell(text);
  if ("why" in command) return command.why;
  const { request, place, redirects } = command;
  if (request.tool !== "http" && request.tool !== "tcp") return null;
  const { tool, port, timeout } = request;
  const directives = request.tool === "http" ? httpDirectives(request) : [];
  const told = directives.filter(([word]) => !["name", "port", "method", "exit"].includes(word));
  return { tool, at: `${place} ${port}`, timeout, redirects, ...Object.fromEntries(told) };
}

const sent = (path: string, { host = "localhost", method = "GET", more = "User-Agent: unikrun\r\n" } = {}) =>
  `${method} ${path} HTTP/1.0\r\nHost: ${host}\r\n${more}Connection: close\r\n\r\n`;

const base = { tool: "http", at: "localhost 80", timeout: 30_000, redirects: [] };

test("curl as it is written most", async (t) => {
  const good = { ...base, request: sent("/"), "fails-from": "400", body: "good" };
  for (const text of [
    "curl -f http://localhost/",
    "curl --fail http://localhost || exit 1",
    "/usr/bin/curl -fsS http://localhost/ || exit 1",
    "curl -sSfL --no-progress-meter localhost || exit 1",
    "curl http://localhost/ -f -s -k --ipv4 --noproxy '*' --retry 0",
    'curl -f --url "http://localhost/#top" -o -',
  ])
    t.deepEqual(await asked(text), good, text);
  const { body: _, ...all } = good;
  t.deepEqual(await asked("curl --fail-with-body http://localhost"), all);
  t.deepEqual(await asked("curl -s http://localhost"), { ...all, "fails-from": "600" });
  t.deepEqual(await asked("curl -f http://localhost:8080/health?a=b > /dev/null 2>&1 || exit 1"), {
    ...good,
    at: "localhost 8080",
    redirects: ["1 null", "2 1"],
    request: sent("/health?a=b", { host: "localhost:8080" }),
  });
});

test("curl's other options", async (t) => {
  const any = { ...base, "fails-from": "600" };
  t.deepEqual(await asked("curl -sm2 --connect-timeout 0.5 http://[::1]:81?x"), {
    ...any,
    at: "[::1] 81",
    timeout: 2000,
    request: sent("/?x", { host: "[::1]:81" }),
    "connect-timeout": "500",
  });
  t.deepEqual(await asked("curl -I localhost"), {
    ...any,
    request: sent("/", { method: "HEAD" }),
    head: "1",
    body: "left",
  });
  t.deepEqual(await asked("curl -so/dev/null -w '%{http_code}\\n' localhost"), {
    ...any,
    request: sent("/"),
    body: "read",
    after: "\n",
  });
  const more = "Host: shop\r\nX-A: b c\r\nUser-Agent: me\r\nAuthorization: Basic YTpi\r\n";
  t.deepEqual(await asked("curl -H 'Host: shop' -H 'X-A: b c' -A me -u a:b -X GET -i -m 0 localhost"), {
    ...any,
    request: sent("/", { more }).replace("Host: localhost\r\n", ""),
    head: "1",
  });
});

test("wget of GNU's and of busybox's", async (t) => {
  const spider = { ...base, request: sent("/"), "fails-from": "400", body: "left" };
  for (const text of [
    "wget --spider http://localhost/",
    "wget -q --spider localhost || exit 1",
    "wget --no-verbose --tries=1 --spider http://localhost/ || exit 1",
    "wget -nv -t1 --spider http://localhost/",
    "busybox wget -q -Y off --spider http://localhost/",
    "wget --quiet --tries 1 --no-check-certificate --spider http://localhost/",
  ])
    t.deepEqual(await asked(text), spider, text);
  for (const [text, body] of [
    ["wget -qO- localhost", "good"],
    ["wget -q -O - http://localhost", "good"],
    ["wget --output-document=- localhost", "good"],
    ["wget -O /dev/null localhost", "read"],
    ["wget -qO/dev/null localhost", "read"],
  ] as const)
    t.deepEqual(await asked(text), { ...spider, body }, text);
  t.deepEqual(await asked("wget -S -T 3 --header='X-A: b' -U me --spider 127.0.0.1:3000/x"), {
    ...spider,
    at: "127.0.0.1 3000",
    timeout: 3000,
    request: sent("/x", { host: "127.0.0.1:3000", more: "X-A: b\r\nUser-Agent: me\r\n" }),
    head: "2",
  });
});

test("nc", async (t) => {
  const tcp = { tool: "tcp", at: "localhost 80", timeout: 30_000, redirects: ["1 null"] };
  for (const text of [
    "nc -z localhost 80",
    "netcat -nz localhost 80 || exit 1",
    "busybox nc -z localhost 80",
  ])
    t.deepEqual(await asked(text), tcp, text);
  for (const text of ["nc -zv -w 3 localhost 80", "ncat -vz localhost 80 -w3", "nc -zvw3 localhost 80"])
    t.deepEqual(await asked(text), { ...tcp, timeout: 3000, redirects: ["1 2"] }, text);
  t.like(await shell("nc -z ::1 80"), { request: { family: 6 }, place: "::1" });
});

test("the exit codes of failures are the programs' own", async (t) => {
  const codes = async (text: string) => {
    const command = await shell(text);
    const request = "request" in command && command.request.tool === "http" ? command.request : null;
    return request && httpDirectives(request).flatMap(([word, value]) => (word === "exit" ? [value] : []));
  };
  const curl = "unreached 7, late 28, reset 56, empty 52, senseless 1, cut 18, untaken 23, status 22".split(
    ", ",
  );
  t.deepEqual(await codes("curl -f localhost"), curl);
  const wget = "unreached 4, late 4, reset 4, empty 4, senseless 1, cut 4, untaken 3, status 8".split(", ");
  t.deepEqual(await codes("wget -qO- localhost"), wget);
  t.deepEqual(await codes("unikrun http /"), []);
});

test("what is not had is said", async (t) => {
  for (const [text, why] of [
    ["curl", 'curl wants one plain URL of http, not ""'],
    ["curl -f https://localhost/", "curl speaks no https"],
    ["curl -k https://localhost/", "curl speaks no https"],
    ["curl localhost 127.0.0.1", 'not "localhost 127.0.0.1"'],
    ["curl ftp://localhost", "ftp://localhost"],
    ["curl a:b@localhost", "a:b@localhost"],
    ["curl localhost:99999", "localhost:99999"],
    ["curl 'localhost/{a,b}'", "localhost/{a,b}"],
    ["curl -d x localhost", 'has no option "-d"'],
    ["curl --data=x localhost", 'has no option "--data=x"'],
    ["curl --max-time=5 localhost", 'has no option "--max-time=5"'],
    ["curl --constructor localhost", 'has no option "--constructor"'],
    ["curl localhost -m", 'has no option "-m"'],
    ["curl -m soon localhost", '"soon"'],
    ["curl -o /tmp/x localhost", '"/tmp/x"'],
    ["curl -X POST localhost", "POST"],
    ["curl --retry 3 localhost", "tries once only"],
    ["curl -H 'Connection: keep-alive' localhost", "Connection"],
    ["curl -H no localhost", '"no"'],
    ["curl -w '%{time_total}' localhost", "--write-out"],
    ["curl -w @file localhost", "--write-out"],
    ["wget localhost", "--spider, -O - or -O /dev/null"],
    ["wget -qO index.html localhost", "--spider, -O - or -O /dev/null"],
    ["wget -nc --spider localhost", "-nv"],
    ["wget --post-data=x --spider localhost", '"--post-data=x"'],
    ["wget --spider=1 localhost", '"--spider=1"'],
    ["nc localhost 80", "nc wants -z, a host and one port"],
    ["nc -z localhost", "nc wants -z, a host and one port"],
    ["nc -z localhost 80-90", "nc wants -z, a host and one port"],
    ["nc -uz localhost 80", 'has no option "-uz"'],
    ["nc -lz localhost 80", 'has no option "-lz"'],
    ["pg_isready -U postgres", '"unikrun tcp 5432"'],
    ["redis-cli ping", '"unikrun tcp 6379"'],
    ["mysqladmin ping -h localhost", '"unikrun tcp 3306"'],
  ] as const) {
    const said = await asked(text);
    t.true(typeof said === "string" && said.includes(why), `${text}: ${JSON.stringify(said)}`);
  }
});

test("nothing gets into a request but what one line can have", async (t) => {
  for (const args of [
    ["curl", "localhost/a b"],
    ["curl", "localhost/a\r\nX: y"],
    ["curl", "-H", "X: a\r\nY: b", "localhost"],
    ["curl", "-A", "a\nY: b", "localhost"],
    ["wget", "--spider", "--header", "X: a\0", "localhost"],
    ["nc", "-z", "localhost", "80\n"],
  ])
    t.true("why" in (await readCommand(args)), JSON.stringify(args));
});
