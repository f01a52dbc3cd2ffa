/** The parts that need an engine, inside scripts/with-docker. */
import { writeFileSync } from "node:fs";
import { buildsOf } from "../builds.ts";
import { footprints } from "../memory/alone.ts";
import { DENSITY_COLUMNS, densities } from "../memory/density.ts";
import { FOOTPRINT_COLUMNS } from "../memory/footprint.ts";
import type { Options } from "../options.ts";
import { drawTimelines } from "../picture/draw.ts";
import { timeRuntimes } from "../picture/timed-runtime.ts";
import { SPENDERS, sums, timelines } from "../picture/timeline.ts";
import { print, printRatios, type Rows } from "../table.ts";
import { diskSpeeds, SPEED_COLUMNS } from "../throughput/disk.ts";
import { THROUGHPUT_COLUMNS, throughputs } from "../throughput/network.ts";
import { toolsImage } from "../throughput/tools.ts";
import { answerCosts } from "./answers.ts";
import { type Contender, makeContenders, takeTurn } from "./contenders.ts";
import { askOften, firstAnswer, remove } from "./first-answer.ts";

/** Measures what is wanted, prints it, and adds it to the results, and what ours is to the others. */
export async function measureEngine(
  options: Options,
  folder: string,
  results: Record<string, unknown>,
  compared: Record<string, unknown>,
): Promise<void> {
  const { parts, rounds, guests } = options;
  const contenders = await makeContenders(options);
  askOften();
  await warmUp(contenders, folder);
  const report = (part: string, heading: string, rows: Rows, columns: readonly string[]): void => {
    print(heading, rows, columns);
    results[part] = rows;
    compared[part] = compare(rows, columns);
  };
  if (parts.has("answers")) {
    const answers = await answerCosts(contenders, folder, rounds);
    report("answers", "docker run -d to the first 200, ms", answers, ["answer", "best", "worst"]);
  }
  if (parts.has("memory")) {
    const memory = await footprints(contenders, folder, Math.min(rounds, 5));
    report("memory", "one alone, MiB", memory, FOOTPRINT_COLUMNS);
  }
  if (parts.has("density")) {
    const density = await densities(contenders, folder, { guests, rounds: Math.min(rounds, 3) });
    report("density", `${guests} at once, s and MiB`, density, DENSITY_COLUMNS);
  }
  if (parts.has("picture")) {
    const measured = await timelines(await timeRuntimes(contenders, folder), folder, Math.min(rounds, 9));
    const rows = Object.fromEntries(measured.map(({ name, stretches }) => [name, sums(stretches)]));
    print("who spends which ms", rows, [...Object.keys(SPENDERS), "total"]);
    results.start = Object.fromEntries(measured.map(({ name, stretches }) => [name, stretches]));
    if (options.picture !== undefined) writeFileSync(options.picture, drawTimelines(measured));
  }
  if (parts.has("throughput")) {
    const tools = toolsImage(folder);
    const common = {
      builds: buildsOf(options),
      tools,
      folder,
      kvm: options.kvm,
      rounds: Math.min(rounds, 15),
    };
    const throughput = await throughputs(common);
    report("throughput", "network: requests/s, MB/s", throughput, THROUGHPUT_COLUMNS);
    const speeds = await diskSpeeds(common);
    report("disk", "disk: MB/s and requests/s", speeds, SPEED_COLUMNS);
  }
}

/** Prints what each guest of ours costs against the others, but for other guests, and returns it by guest. */
function compare(rows: Rows, columns: readonly string[]): Record<string, Rows> {
  const guests = ["probe", "kernel"].filter((guest) => guest in rows);
  return Object.fromEntries(
    guests.map((guest) => {
      const isOther = (name: string): boolean =>
        guests.some((each) => each !== guest && name.startsWith(each));
      const mine = Object.entries(rows).filter(([name]) => !isOther(name));
      return [guest, printRatios(Object.fromEntries(mine), columns, guest)];
    }),
  );
}

/** What each finds out once, and what the host's kernel keeps, is no part of what is measured. */
async function warmUp(contenders: readonly Contender[], folder: string): Promise<void> {
  for (const contender of contenders) {
    takeTurn(contender, folder);
    remove((await firstAnswer(contender)).container);
  }
}
