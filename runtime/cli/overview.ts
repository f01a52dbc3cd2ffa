/** `unikrun list` for people: the containers of all engines of this host, a line each. */
import { listOthers } from "../container/delegate/delegate.ts";
import { boardOf } from "../container/record/container.ts";
import { containerReport, type Report } from "../container/record/report.ts";
import { findContainers } from "../host/found-containers.ts";

/** What runc's list has of a container, and what it is to people. */
interface Line extends Report {
  readonly name: string;
  readonly engine: string;
  readonly root: string;
  /** Null for what is no unikernel. */
  readonly guest: string | null;
  /** Bytes. */
  readonly memory: number | null;
  readonly accelerator: string | null;
}

/** `root` is our own folder, in which the other runtime's containers are listed as well. */
export async function overview(root: string) {
  const { found, damaged } = findContainers();
  const own = found.map(({ root: folder, container, name, engine }): Line => {
    const board = boardOf(container);
    return {
      ...containerReport(folder, container),
      owner: "root",
      ...{ name, engine, root: folder },
      guest: container.guest.family,
      memory: board && board.memoryMiB * 2 ** 20,
      accelerator: board?.accelerator ?? null,
    };
  });
  const none = { engine: "by hand", root, guest: null, memory: null, accelerator: null };
  const others = (await listOthers(root)).map((report): Line => ({ ...report, ...none, name: report.id }));
  const lines = [...own, ...others].sort((a, b) => (a.name < b.name ? -1 : 1));
  return { lines, damaged };
}

const SHORT_ID = 12;
const LEAST_NAME = 8;
const GAP = "  ";

/** No line is wider than the terminal: names are shortened for that first. */
export function overviewTable(lines: readonly Line[], columns = process.stdout.columns): string {
  const rows = [
    ["NAME", "STATE", "GUEST", "MEMORY", "ACCEL", "ENGINE", "ID"],
    ...lines.map(({ name, status, guest, memory, accelerator, engine, id }) => [
      name,
      status,
      guest ?? "-",
      memory === null ? "-" : `${memory / 2 ** 20} MiB`,
      accelerator ?? "-",
      engine,
      id.slice(0, SHORT_ID),
    ]),
  ];
  const [longest = 0, ...widths] = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? "").length)),
  );
  const others = widths.reduce((sum, width) => sum + GAP.length + width, 0);
  const width = columns ? Math.min(longest, Math.max(LEAST_NAME, columns - others)) : longest;
  return rows
    .map(([name = "", ...cells]) =>
      [shortened(name, width), ...cells]
        .map((cell, column) => cell.padEnd([width, ...widths][column] ?? 0))
        .join(GAP)
        .slice(0, columns || undefined)
        .trimEnd(),
    )
    .join("\n");
}

const shortened = (text: string, width: number): string =>
  text.length > width ? `${text.slice(0, width - 1)}…` : text;
