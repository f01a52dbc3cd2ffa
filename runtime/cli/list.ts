import { listOthers } from "../container/delegate/delegate.ts";
import { containerReport, type Report } from "../container/record/report.ts";
import { listContainers } from "../container/record/store.ts";
import { UnikrunError } from "../error.ts";
import { warn } from "../log.ts";
import { print } from "./print.ts";
import type { Verb } from "./verb.ts";

export const run: Verb = async (call) => {
  // Only root makes containers here; runc's list names the owner where its state does not.
  const { containers, damaged } = listContainers(call.root);
  for (const sentence of damaged) await warn(sentence);
  const own = containers.map((container) => ({
    ...containerReport(call.root, container),
    owner: "root",
  }));
  const all = [...own, ...(await listOthers(call.root))].sort((a, b) => (a.id < b.id ? -1 : 1));
  const format = call.flags.string("format") ?? "table";
  if (call.flags.boolean("quiet")) {
    for (const { id } of all) print(id);
    return;
  }
  if (format === "json") return print(JSON.stringify(all));
  if (format !== "table")
    throw new UnikrunError(`There is no list format ${JSON.stringify(format)}: use table or json.`);
  print(table(all));
};

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
