import { listOthers } from "../container/delegate/delegate.ts";
import { containerReport, type Report } from "../container/record/report.ts";
import { listContainers } from "../container/record/store.ts";
import { warn } from "../log.ts";
import { print } from "./print.ts";
import { type Call, type Verb, wantsJson } from "./verb.ts";

/** Of the folder that was given, as runc; else of all the engines' on this host, for people. */
export const run: Verb = async (call) => {
  if (!call.rootGiven) return listEverywhere(call);
  // Only root makes containers here; runc's list names the owner where its state does not.
  const { containers, damaged } = listContainers(call.root);
  for (const sentence of damaged) await warn(sentence);
  const own = containers.map((container) => ({
    ...containerReport(call.root, container),
    owner: "root",
  }));
  const all = [...own, ...(await listOthers(call.root))].sort((a, b) => (a.id < b.id ? -1 : 1));
  // There an id is all the name that one has.
  if (call.flags.boolean("quiet") || call.flags.boolean("names")) for (const { id } of all) print(id);
  else print(wantsJson(call) ? JSON.stringify(all) : table(all));
};

async function listEverywhere(call: Call): Promise<void> {
  const { overview, overviewTable } = await import("./overview.ts");
  const { lines, damaged } = await overview(call.root);
  for (const sentence of damaged) await warn(sentence);
  if (call.flags.boolean("quiet")) for (const { id } of lines) print(id);
  else if (call.flags.boolean("names")) for (const { name } of lines) print(name);
  else print(wantsJson(call) ? JSON.stringify(lines) : overviewTable(lines));
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
