/** How far long work is, as a bar on the terminal of whoever waits for it. Loaded where there is a terminal only. */
import { type Options, SingleBar } from "cli-progress";
import { writeAll } from "../native/files.ts";
import { partOf } from "./amount.ts";
import { type Display, showProgressBy } from "./progress.ts";

export function showBar(): void {
  let bar: SingleBar | null = null;
  const display: Display = {
    pause: 100,
    say: (words) => stderr.write(`${words}\n`),
    show({ what, done, total, isLast }) {
      if (!bar) {
        bar = new SingleBar({ ...OPTIONS, format: `${what} [{bar}] {part}` });
        bar.start(total, done, { part: partOf(done, total) });
      }
      bar.setTotal(total);
      bar.update(done, { part: partOf(done, total) });
      if (!isLast) return;
      bar.stop();
      bar = null;
    },
  };
  showProgressBy(display);
}

/** What the bar is drawn on; process.stderr may keep what is written to it until this process has nothing else to do. */
const stderr = {
  isTTY: true,
  write(text: string): boolean {
    writeAll(2, Buffer.from(text));
    return true;
  },
};

const OPTIONS: Options = {
  stream: stderr as unknown as NodeJS.WriteStream,
  barCompleteChar: "#",
  barIncompleteChar: ".",
  barsize: 30,
  hideCursor: false,
};
