/** What each of exec's tools is told, and the descriptor that it needs (native/init/exec.c). */
import { openConsole } from "../../../native/control.ts";
import type { Directive } from "../../../native/directives.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import { nameServers, searchNames } from "../../network/resolv-conf.ts";
import { openLookups, visitGuest } from "../../network/visit.ts";
import { readResolvConf } from "../disks.ts";
import { joinDirective } from "../namespaces.ts";
import { type Container, containerFolder } from "../state.ts";
import { statisticsText, statusText } from "./describe.ts";
import { type Request, USAGE } from "./request.ts";

export interface Tool extends Disposable {
  readonly directives: readonly Directive[];
  readonly given?: number;
}

/** Milliseconds, where a tool has no timeout of its own. */
const FOREVER = 2 ** 31 - 1;

export function prepareTool(root: string, container: Container, request: Request): Tool {
  switch (request.tool) {
    case "http": {
      const { host, port, path } = request;
      const name = `GET http://${host}:${port}${path}`;
      const lines = [
        `GET ${path} HTTP/1.0`,
        `Host: ${host}:${port}`,
        "User-Agent: unikrun",
        "Connection: close",
        "",
        "",
      ];
      return visit(container, request, { name, port: String(port), request: lines.join("\r\n") });
    }
    case "tcp":
      return visit(container, request, { name: `port ${request.port}`, port: String(request.port) });
    case "ping":
      return visit(container, request, { count: String(request.count) });
    case "dns":
      return lookUp(container, request);
    case "console":
      return openLine(root, container);
    case "stats":
      return printed(statisticsText(root, container, request.json));
    case "status":
      return printed(statusText(root, container, request.json));
    case "usage": {
      const { complaint } = request;
      return complaint === undefined ? printed(USAGE) : printed("", `unikrun: ${complaint}\n${USAGE}`);
    }
  }
}

const pairs = (words: Readonly<Record<string, string>>): Directive[] => Object.entries(words);

const netnsOf = ({ givenNetns, pid }: Container): string => givenNetns ?? `/proc/${pid}/ns/net`;

/** A tool that gets to the guest by a namespace of its own. */
function visit(
  container: Container,
  { tool, timeout }: { tool: string; timeout: number },
  words: Readonly<Record<string, string>>,
): Tool {
  const way = visitGuest({ netns: netnsOf(container), containerId: container.id });
  const addresses = {
    "own-address": way.ownAddress,
    "guest-address": way.guestAddress,
    "guest-mac": way.guestMac,
    mtu: String(way.mtu),
  };
  return {
    given: way.tap,
    directives: pairs({ tool, timeout: String(timeout), ...addresses, ...words }),
    [Symbol.dispose]: () => way[Symbol.dispose](),
  };
}

/** A tool in the container's network namespace, from where the guest's name server is asked as the guest asks it. */
function lookUp(container: Container, request: Request & { tool: "dns" }): Tool {
  const { text } = readResolvConf(container.guest.mounts);
  const [server] = nameServers(text);
  if (server === undefined) {
    throw new UnikrunError(
      `Container ${container.id} has no name server: its engine gave it no resolv.conf with one (docker run --dns).`,
    );
  }
  const netns = netnsOf(container);
  openLookups({ netns, containerId: container.id });
  return {
    directives: [
      joinDirective("network", netns),
      ...pairs({ tool: "dns", timeout: String(request.timeout), server, type: request.type }),
      ...searchNames(text, request.name).map((name) => ["name", name] as const),
    ],
    [Symbol.dispose]: () => undefined,
  };
}

function openLine(root: string, container: Container): Tool {
  try {
    const line = openConsole(containerFolder(root, container.id));
    return {
      given: line.fd,
      directives: pairs({ tool: "console", timeout: String(FOREVER) }),
      [Symbol.dispose]: () => line[Symbol.dispose](),
    };
  } catch (cause) {
    throw new UnikrunError(
      `The console of container ${container.id} can't be opened (${reasonOf(cause)}): has its machine just ended?`,
      { cause },
    );
  }
}

const printed = (text: string, complaint = ""): Tool => ({
  directives: pairs({ tool: "print", timeout: "0", text, complaint, code: complaint === "" ? "0" : "2" }),
  [Symbol.dispose]: () => undefined,
});
