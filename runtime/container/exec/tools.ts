/** What each of exec's tools is told, and the descriptor that it needs (native/init/exec/exec.c). */
import { openConsole } from "../../../native/control.ts";
import type { Directive } from "../../../native/directives.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import { fileCalls, fileSystemCalls, folderCalls } from "../../guest/netbsd/files.ts";
import { nameServers, searchNames } from "../../network/resolv-conf.ts";
import { openLookups, visitGuest } from "../../network/visit.ts";
import { readResolvConf } from "../boot/network.ts";
import { joinDirective } from "../bundle/namespaces.ts";
import { type Container, containerFolder, netnsOf } from "../record/container.ts";
import { readMachine } from "../record/machine.ts";
import { kernelDirectives } from "./ask-kernel.ts";
import { statisticsText, statusText, traceText } from "./describe.ts";
import { httpDirectives } from "./http.ts";
import type { Request } from "./request.ts";
import { USAGE } from "./usage.ts";

export interface Tool extends Disposable {
  readonly directives: readonly Directive[];
  readonly given?: number;
}

/** Milliseconds that a text may take to be read. */
const PRINT_TIMEOUT = 5000;

/** As resolv.conf(5) has it. */
const MOST_SERVERS = 3;

export function prepareTool(root: string, container: Container, request: Request): Tool {
  switch (request.tool) {
    case "http": {
      // An IPv6 address in a URL asks by IPv6, as "[::1]" of "localhost" does.
      const family = request.host.startsWith("[") ? 6 : request.family;
      return visit(container, request, httpDirectives(request), family);
    }
    case "tcp": {
      const words = [["name", `port ${request.port}`] as const, ["port", String(request.port)] as const];
      return visit(container, request, words, request.family);
    }
    case "ping":
      return visit(container, request, [["count", String(request.count)]]);
    case "dns":
      return lookUp(container, request);
    case "cat":
      return look(root, container, request, (address) => fileCalls(address, request.path));
    case "ls":
      return look(root, container, request, (address) => folderCalls(address, request.path));
    case "df":
      return look(root, container, request, fileSystemCalls);
    case "console":
      return openLine(root, container, request.timeout);
    case "stats":
      return printed(statisticsText(root, container, request.json));
    case "status":
      return printed(statusText(root, container, request.json));
    case "trace":
      return printed(traceText(root, container, request.json));
    case "usage": {
      const { complaint } = request;
      return complaint === undefined ? printed(USAGE) : printed("", `unikrun: ${complaint}\n${USAGE}`);
    }
  }
}

/** A tool that gets to the guest by a namespace of its own. */
function visit(
  container: Container,
  { tool, timeout }: { tool: string; timeout: number },
  words: readonly Directive[],
  family?: 6,
): Tool {
  const place = { netns: netnsOf(container), containerId: container.id };
  const way = visitGuest({ ...place, ...(family === undefined ? {} : { family }) });
  return {
    given: way.tap,
    directives: [
      ["tool", tool],
      ["timeout", String(timeout)],
      ["own-address", way.ownAddress],
      ["guest-address", way.guestAddress],
      ["guest-mac", way.guestMac],
      ["mtu", String(way.mtu)],
      ...words,
    ],
    [Symbol.dispose]: () => way[Symbol.dispose](),
  };
}

/** A tool that looks into the guest by its kernel's system calls. */
function look(
  root: string,
  container: Container,
  { timeout }: { timeout: number },
  calls: (address: string) => readonly Directive[],
): Tool {
  if (!readMachine(root, container.id)?.proxy)
    throw new UnikrunError(
      `The files of container ${container.id} can't be looked at: its kernel takes no system calls, as one does that is baked with rumprun's _sysproxy and whose guest writes a volume or may be kept (org.unikrun.warm).`,
    );
  const way = visitGuest({ netns: netnsOf(container), containerId: container.id, family: 4 });
  return {
    given: way.tap,
    directives: kernelDirectives(way, timeout, calls(way.guestAddress)),
    [Symbol.dispose]: () => way[Symbol.dispose](),
  };
}

/** A tool in the container's network namespace, from where the guest's name server is asked as the guest asks it. */
function lookUp(container: Container, request: Request & { tool: "dns" }): Tool {
  const { text } = readResolvConf(container.guest.mounts);
  const servers = nameServers(text).slice(0, MOST_SERVERS);
  if (servers.length === 0) {
    throw new UnikrunError(
      `Container ${container.id} has no name server: its engine gave it no resolv.conf with one (docker run --dns).`,
    );
  }
  const netns = netnsOf(container);
  openLookups({ netns, containerId: container.id });
  return {
    directives: [
      joinDirective("network", netns),
      ["tool", "dns"],
      ["timeout", String(request.timeout)],
      ["type", request.type],
      ...servers.map((server) => ["server", server] as const),
      ...searchNames(text, request.name).map((name) => ["name", name] as const),
    ],
    [Symbol.dispose]: () => undefined,
  };
}

function openLine(root: string, container: Container, timeout: number): Tool {
  try {
    const line = openConsole(containerFolder(root, container.id));
    return {
      given: line.fd,
      directives: [
        ["tool", "console"],
        ["timeout", String(timeout)],
      ],
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
  directives: [
    ["tool", "print"],
    ["timeout", String(PRINT_TIMEOUT)],
    ["text", text],
    ["complaint", complaint],
    ["code", complaint === "" ? "0" : "2"],
  ],
  [Symbol.dispose]: () => undefined,
});
