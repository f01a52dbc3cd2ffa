/** What unikrun, and engines about it, complained of lately, as far as this host still has it. */
import { exists, readTextOrNull } from "../../native/files.ts";
import { dockerFolder, parsed, pathsIn, readParsed } from "./engine-files.ts";
import { findContainers } from "./found-containers.ts";

/** So many of each source; the newest are last. */
const MOST = 20;
const LONGEST = 400;

/** A sentence each, with who keeps it, without what was quoted in it: that may be of a guest's arguments. */
export function lastErrors(): string[] {
  const sources = { "log.json": ownLogs(), docker: dockerErrors(), journal: journalErrors() };
  return Object.entries(sources).flatMap(([source, sentences]) =>
    [...new Set(sentences.map(withoutQuoted))].slice(-MOST).map((sentence) => `${source}: ${sentence}`),
  );
}

function withoutQuoted(sentence: string): string {
  const text = sentence.replace(/"[^"]*("|$)/g, '"…"').replace(/[^\x20-\x7e…]/g, "?");
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}

/** The files that containerd's shim has a runtime log to (--log), beside each bundle. */
function ownLogs(): string[] {
  const bundles = [
    ...findContainers().found.map(({ container }) => container.bundle),
    ...["/run/containerd", "/run/docker/containerd/daemon"]
      .flatMap((folder) => pathsIn(`${folder}/io.containerd.runtime.v2.task`))
      .flatMap(pathsIn),
  ];
  return [...new Set(bundles)]
    .flatMap((bundle) => (readTextOrNull(`${bundle}/log.json`) ?? "").split("\n"))
    .flatMap((line) => {
      const { level, msg, time } = (parsed(line) ?? {}) as Readonly<Record<string, string>>;
      return msg !== undefined && (level === "error" || level === "warning")
        ? [`${time} ${level} ${msg}`]
        : [];
    })
    .sort();
}

interface DockerRecord {
  readonly State?: { readonly Error?: string; readonly FinishedAt?: string };
}

/** Why Docker could not start containers that are unikrun's. */
function dockerErrors(): string[] {
  const folders = pathsIn(`${dockerFolder("data-root")}/containers`);
  const errors = folders.flatMap((folder) => {
    const host = readParsed(`${folder}/hostconfig.json`) as { Runtime?: string } | null;
    if (!host?.Runtime?.includes("unikrun")) return [];
    const { State } = (readParsed(`${folder}/config.v2.json`) ?? {}) as DockerRecord;
    return State?.Error ? [`${State.FinishedAt} ${State.Error}`] : [];
  });
  return errors.sort();
}

const UNITS = ["docker", "containerd", "crio"].flatMap((name) => ["--unit", `${name}.service`]);

function journalErrors(): string[] {
  const journal = ["/usr/bin/journalctl", "/bin/journalctl"].find(exists);
  if (journal === undefined) return [];
  const { stdout } = Bun.spawnSync(
    [journal, "--quiet", "--no-pager", "--output=cat", "--lines=5000", ...UNITS],
    { stdin: "ignore", stderr: "ignore", timeout: 10_000 },
  );
  return stdout
    .toString()
    .split("\n")
    .filter((line) => line.includes("unikrun") && /level=(error|warning)/.test(line))
    .map((line) => [timeOf(line), ...messagesOf(line)].join(" "));
}

const timeOf = (line: string): string => /time="([^"]*)"/.exec(line)?.[1] ?? "";

/** As logrus writes them: msg="…" and error="…", with what is quoted in them escaped. */
const messagesOf = (line: string): string[] =>
  [...line.matchAll(/\b(?:msg|error)=("(?:[^"\\]|\\.)*")/g)].map(([, word = ""]) => {
    const text: unknown = parsed(word);
    return typeof text === "string" ? text : "";
  });
