/** containerd's own tool, on the containerd of the engine that is tried. */
import { rmSync } from "node:fs";
import { command, containerd, type Outcome, succeed, unikrun, uniqueName } from "./harness.ts";

const ADDRESS = ["--address", containerd];

/** Runs `ctr ARGS`, for a minute at most. */
export const ctr = (...args: readonly string[]): Outcome =>
  command(["timeout", "-s", "KILL", "60", "ctr", ...ADDRESS, ...args]);

/**
 * What `ctr` prints of a program that ends with `code`, made by `call`, which names its container or exec anew each time.
 * On a busy machine ctr loses what a program says that ends at once (three of 448 runs by runc, containerd 1.6.20),
 * so it is asked again until it prints `words`.
 */
export const hear = (words: RegExp, code: number, call: () => Outcome): string => {
  for (let tries = 0; tries < 10; tries++) {
    const outcome = call();
    if (outcome.code !== code) throw new Error(`code ${outcome.code}: ${outcome.stderr.trim()}`);
    const printed = outcome.stdout + outcome.stderr;
    if (words.test(printed)) return printed;
  }
  throw new Error(`ctr never printed ${words}`);
};

/** Runs `ctr ARGS`, which must succeed, and returns what it printed, trimmed. */
export const ask = (...args: readonly string[]): string => succeed(["ctr", ...ADDRESS, ...args]);

/** What has `ctr run` take `binary` for its runtime. */
export const runtimeOptions = (binary = unikrun): readonly string[] => [
  "--runtime",
  "io.containerd.runc.v2",
  "--runc-binary",
  binary,
];

/** What containerd calls an image of dockerd's. */
export const nameOf = (image: string): string => `docker.io/library/${image}:latest`;

/** Brings images of dockerd's to the containerd that `address` leads ctr to. */
export function importImages(names: readonly string[], address: readonly string[] = ADDRESS): void {
  const archive = `/tmp/${uniqueName("images")}.tar`;
  try {
    succeed(["docker", "save", "-o", archive, ...names]);
    succeed(["ctr", ...address, "images", "import", archive]);
  } finally {
    rmSync(archive, { force: true });
  }
}

/** Ends a container and forgets it, whatever is left of it. */
export function remove(name: string): void {
  ctr("task", "kill", "-s", "KILL", name);
  ctr("task", "delete", "-f", name);
  ctr("container", "delete", name);
}
