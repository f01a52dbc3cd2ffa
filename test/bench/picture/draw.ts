/** Timelines as an SVG, a bar each. */
import { SPENDERS, type Spender, type Timeline } from "./timeline.ts";

const WIDTH = 960;
const LEFT = 150;
const RIGHT = 70;
const TOP = 96;
const BAR = 34;
const PITCH = 56;

/** Told apart in grey, too, and by those who don't see red and green. */
const COLOURS: Readonly<Record<Spender, string>> = {
  engine: "#c9ced6",
  network: "#9aa5b4",
  create: "#f2b84b",
  start: "#d9742b",
  boot: "#8fc1e3",
  guest: "#3d85c0",
  answer: "#1f4e79",
};

const DARK: ReadonlySet<Spender> = new Set(["start", "guest", "answer"]);

export function drawTimelines(timelines: readonly Timeline[]): string {
  const title = "Who spends which millisecond between `docker run -d` and the first HTTP 200";
  const totals = timelines.map(totalOf);
  const scale = (WIDTH - LEFT - RIGHT) / Math.max(...totals);
  const height = TOP + PITCH * timelines.length + 40;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="13">`,
    `<title>${title}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    text({ x: 16, y: 26, size: 16 }, title),
    ...legend(),
    ...axis(Math.max(...totals), scale, height),
    ...timelines.flatMap((timeline, index) => bar(timeline, TOP + PITCH * index, scale)),
    "</svg>\n",
  ].join("\n");
}

const totalOf = ({ stretches }: Timeline): number =>
  stretches.reduce((sum, { milliseconds }) => sum + milliseconds, 0);

/** Four in a row. */
function legend(): string[] {
  return Object.entries(SPENDERS).flatMap(([spender, words], index) => {
    const x = 16 + (index % 4) * 235;
    const y = 42 + Math.floor(index / 4) * 20;
    const colour = COLOURS[spender as Spender];
    return [
      `<rect x="${x}" y="${y}" width="12" height="12" fill="${colour}"/>`,
      text({ x: x + 18, y: y + 11 }, words),
    ];
  });
}

/** A line for each 50 ms, or 100 or more where these would be too many. */
function axis(longest: number, scale: number, height: number): string[] {
  const step = [50, 100, 200, 500, 1000].find((each) => longest / each <= 12) ?? 5000;
  const marks = Array.from({ length: Math.floor(longest / step) + 1 }, (_, index) => index * step);
  return marks.flatMap((mark) => {
    const x = (LEFT + mark * scale).toFixed(1);
    return [
      `<line x1="${x}" y1="${TOP - 6}" x2="${x}" y2="${height - 34}" stroke="#e3e6ea"/>`,
      text({ x: Number(x), y: height - 16, anchor: "middle" }, `${mark} ms`),
    ];
  });
}

function bar(timeline: Timeline, y: number, scale: number): string[] {
  let x = LEFT;
  const parts = timeline.stretches.flatMap(({ spender, milliseconds }) => {
    const width = milliseconds * scale;
    const from = x;
    x += width;
    if (width < 0.1) return [];
    const rect = `<rect x="${from.toFixed(1)}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" fill="${COLOURS[spender]}"><title>${SPENDERS[spender]}: ${milliseconds} ms</title></rect>`;
    const fill = DARK.has(spender) ? "#ffffff" : "#000000";
    // Narrower ones have no room for a number.
    const label = text({ x: from + width / 2, y: y + 22, anchor: "middle", fill }, milliseconds.toFixed(0));
    return width < 22 ? [rect] : [rect, label];
  });
  return [
    text({ x: LEFT - 10, y: y + 22, anchor: "end" }, labelOf(timeline.name)),
    ...parts,
    text({ x: x + 8, y: y + 22 }, `${totalOf(timeline).toFixed(0)} ms`),
  ];
}

/** A row's name, with the runtime first. */
function labelOf(name: string): string {
  if (name === "runc") return "runc, busybox";
  const [guest, build] = name.split(", ");
  return build === undefined ? `unikrun, ${guest}` : `${build}, ${guest}`;
}

function text(
  place: { x: number; y: number; anchor?: "middle" | "end"; size?: number; fill?: string },
  words: string,
): string {
  const { x, y, anchor = "start", size = 13, fill = "#000000" } = place;
  const escaped = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text x="${x.toFixed(1)}" y="${y}" text-anchor="${anchor}" font-size="${size}" fill="${fill}">${escaped}</text>`;
}
