import { listOthers } from "../container/delegate/delegate.ts";
import { containerReport, type Report } from "../container/record/report.ts";
import { listContainers } from "../container/record/store.ts";
import { UnikrunError } from "../error.ts";
import { warn } from "../log.ts";
import { print } from "./print.ts";
import type { Call, Verb } from "./verb.ts";

/** Of the folder that was given, as runc; else of all the engines' on this host, for people. */
export const run: Verb = async (call) => {
  const format = call.flags.string("format") ?? "table";
  if (format !== "table" && format !== "json")
    throw new UnikrunError(`There is no list format ${JSON.stringify(format)}: use table or json.`);
  if (!call.rootGiven) return listEverywhere(call, format);
  // Only root makes containers here; runc's list names the owner where its state does not.
  const { containers, damaged } = listContainers(call.root);
  for (const sentence of damaged) await warn(sentence);
  const own = containers.map((container) => ({
    ...containerReport(call.root, container),
    owner: "root",
  }));
  const all = [...own, ...(await listOthers(call.root))].sort((a, b) => (a.id < b.id ? -1 : 1));
  if (call.flags.boolean("quiet")) for (const { id } of all) print(id);
  else print(format === "json" ? JSON.stringify(all) : table(all));
};

async function listEverywhere({ root, flags }: Call, format: "table" | "json"): Promise<void> {
  const { overview, overviewTable } = await import("./overview.ts");
  const { lines, damaged } = await overview(root);
  for (const sentence of damaged) await warn(sentence);
  if (flags.boolean("quiet")) for (const { id } of lines) print(id);
  else print(format === "json" ? JSON.stringify(lines) : overviewTable(lines));
}

function table(reports: readonly Report[]): string {
  const rows = [
    ["ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER"],
    ...reports.map((report) => [
      report.id,
      String(report.pid),
      report.status,
      report.bundle,
      report.created,
      report.owner || "root",
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(12, ...rows.map((row) => (row[column] ?? "").length + 1)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("")
        .trimEnd(),
    )
    .join("\n");
}
