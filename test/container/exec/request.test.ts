import test from "ava";
import { readRequest } from "../../../runtime/container/exec/request.ts";

const of = (line: string) => readRequest(line.split(" "));

test("http takes a path, a port and a path, and a URL", (t) => {
  const http = { tool: "http", timeout: 5000 };
  t.deepEqual(of("unikrun http /health?a=b"), { ...http, host: "localhost", port: 80, path: "/health?a=b" });
  t.deepEqual(of("unikrun http :8080/"), { ...http, host: "localhost", port: 8080, path: "/" });
  t.deepEqual(of("/usr/bin/unikrun http http://web:81"), { ...http, host: "web", port: 81, path: "/" });
  t.deepEqual(of("unikrun http --timeout 0.5 /"), {
    ...http,
    host: "localhost",
    port: 80,
    path: "/",
    timeout: 500,
  });
});

test("what is not a request of its kind is a complaint that names it", (t) => {
  for (const [line, word] of [
    ["unikrun http health", '"health"'],
    ["unikrun http https://a/", "https"],
    ["unikrun http :99999/", "99999"],
    ["unikrun http / /", '"/ /"'],
    ["unikrun tcp", '""'],
    ["unikrun tcp 0", '"0"'],
    ["unikrun tcp 80 81", '"80 81"'],
    ["unikrun ping -c 0", '"0"'],
    ["unikrun ping --timeout -1", '"-1"'],
    ["unikrun dns a b", '"a b"'],
    ["unikrun dns --type MX a", '"MX"'],
    ["unikrun console x", '"x"'],
    ["unikrun cat", '""'],
    ["unikrun cat /a /b", '"/a /b"'],
    ["unikrun ls /a /b", '"/a /b"'],
    ["unikrun df /", '"/"'],
    ["unikrun status --yaml", "--yaml"],
    ["unikrun run", '"run"'],
    ["unikrun constructor", '"constructor"'],
    ["unikrun tcp constructor", '"constructor"'],
    ["unikrun tcp --timeout", '""'],
    ["unikrun console --timeout 0", '"0"'],
  ] as const) {
    const request = of(line);
    t.is(request?.tool, "usage", line);
    t.true(request?.tool === "usage" && request.complaint?.includes(word), JSON.stringify(request));
  }
  t.deepEqual(readRequest(["unikrun", "http", "/a b"])?.tool, "usage");
  t.deepEqual(readRequest(["unikrun", "http", "/a\r\nX: y"])?.tool, "usage");
});

test("cat, ls and df", (t) => {
  t.deepEqual(of("unikrun cat /etc/hosts --timeout=1"), { tool: "cat", path: "/etc/hosts", timeout: 1000 });
  t.deepEqual(of("unikrun ls"), { tool: "ls", path: "/", timeout: 5000 });
  t.deepEqual(readRequest(["unikrun", "ls", "a\nb"]), { tool: "ls", path: "a\nb", timeout: 5000 });
  t.deepEqual(of("unikrun df"), { tool: "df", timeout: 5000 });
});

test("dns, ping, stats and help", (t) => {
  t.deepEqual(of("unikrun dns --type=aaaa db"), { tool: "dns", name: "db", type: "AAAA", timeout: 5000 });
  t.deepEqual(of("unikrun ping -c 3 --timeout=2"), { tool: "ping", count: 3, timeout: 2000 });
  t.deepEqual(of("unikrun stats --json"), { tool: "stats", json: true });
  t.deepEqual(of("unikrun"), { tool: "usage" });
});

test("other programs are not ours", (t) => {
  for (const args of [[], ["ls"], ["/bin/unikrun2", "tcp"], ["sh"], ["unikrun/x", "tcp"]])
    t.is(readRequest(args), null);
});
