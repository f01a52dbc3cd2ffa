/** The bench's own programs in C. */
import { mkdirSync } from "node:fs";
import { resolve } from "node:path";

const SOURCES = {
  traffic: "throughput/traffic.c",
  "disk-speed": "throughput/disk-speed.c",
  "timed-runtime": "picture/timed-runtime.c",
};

const folder = resolve(import.meta.dirname, "../../build/bench");

export const programPath = (name: keyof typeof SOURCES): string => `${folder}/${name}`;

/** Static, for images and engines that have nothing else. An engine of another distribution has no compiler, and gets what was made before it. */
export function compilePrograms(): void {
  if (Bun.which("gcc") === null) return;
  mkdirSync(folder, { recursive: true });
  for (const [name, source] of Object.entries(SOURCES)) {
    const path = `${folder}/${name}`;
    const { exitCode, stderr } = Bun.spawnSync(
      ["gcc", "-std=gnu11", "-O2", "-static", "-s", "-o", path, `${import.meta.dirname}/${source}`],
      { stdio: ["ignore", "ignore", "pipe"] },
    );
    if (exitCode !== 0) throw new Error(`${source} can't be compiled: ${stderr}`);
  }
}
