/** `unikrun report`: what somebody has to know of a host to understand a fault there. Of guests it has neither arguments nor environment. */
import { readTextOrNull } from "../../native/files.ts";
import { otherRuntime } from "../container/delegate/other-runtime.ts";
import { statusOf } from "../container/record/status.ts";
import { readHostFile } from "../container/settings/host.ts";
import { reasonOf } from "../error.ts";
import { factLines } from "../fact-lines.ts";
import { findQemu } from "../machine/qemu.ts";
import { checkHost } from "./check.ts";
import { ENGINES, findEngine, versionOf } from "./engines.ts";
import { screenOf } from "./finding.ts";
import { findContainers } from "./found-containers.ts";
import { lastErrors } from "./last-errors.ts";

/** `own` is what this program is. Takes as long as checkHost. */
export async function reportText(own: string): Promise<string> {
  const sections = {
    Versions: await versions(own),
    Check: [screenOf(await checkHost())],
    "Host settings (/etc/unikrun/config.json)": await settings(),
    Containers: containers(),
    "Last errors": lastErrors(),
  };
  return Object.entries(sections)
    .map(([title, lines]) => `## ${title}\n\n${lines.join("\n") || "none"}\n`)
    .join("\n");
}

async function versions(own: string): Promise<string[]> {
  const other = await otherRuntime().catch(() => null);
  const file = (path: string): string => readTextOrNull(path) ?? "";
  const cpuinfo = file("/proc/cpuinfo");
  const facts: Readonly<Record<string, string>> = {
    unikrun: own,
    QEMU: await qemu(),
    kernel: file("/proc/sys/kernel/osrelease").trim(),
    system: /^PRETTY_NAME="?(.*?)"?$/m.exec(file("/etc/os-release"))?.[1] ?? "unknown",
    processor: `${/^model name\s*: (.*)$/m.exec(cpuinfo)?.[1] ?? "unknown"}, ${cpuinfo.match(/^processor\s*:/gm)?.length ?? 0} of them`,
    memory: /^MemTotal:\s+(.*)$/m.exec(file("/proc/meminfo"))?.[1] ?? "unknown",
    "other runtime": other === null ? "none" : `${other} ${versionOf(other) ?? ""}`.trimEnd(),
    ...Object.fromEntries(
      ENGINES.map((name) => {
        const engine = findEngine("", name);
        return [name, engine ? (engine.version ?? "of unknown version") : "none"];
      }),
    ),
  };
  return factLines(Object.entries(facts));
}

async function qemu(): Promise<string> {
  try {
    const path = findQemu((await readHostFile()).settings.qemu);
    return `${versionOf(path) ?? "of unknown version"} (${path})`;
  } catch (error) {
    return reasonOf(error);
  }
}

async function settings(): Promise<string[]> {
  try {
    const { settings: found, ignored } = await readHostFile();
    return [JSON.stringify(found, null, 2), ...ignored];
  } catch (error) {
    return [reasonOf(error)];
  }
}

/** How many of each family, state and engine. */
function containers(): string[] {
  const { found, damaged } = findContainers();
  const kinds = found.map(
    ({ root, container, engine }) => `${container.guest.family}, ${statusOf(root, container)}, ${engine}`,
  );
  const counts = [...new Set(kinds)]
    .sort()
    .map((kind) => `${kinds.filter((each) => each === kind).length} ${kind}`);
  return [...counts, ...damaged];
}
