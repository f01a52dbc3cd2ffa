import { type Bench, unikrun } from "./harness.ts";

/** Calls dist/unikrun where the benches' folders are at these places. */
export function callWith(places: Readonly<Record<string, Bench>>, ...args: string[]) {
  const mounts = Object.entries(places).flatMap(([place, { root }]) => [
    `mkdir -p ${place} ${root}`,
    `mount --bind ${root} ${place}`,
  ]);
  const script = ["mount -t tmpfs test /run", ...mounts, 'exec "$@"'].join(" && ");
  const { exitCode, stdout, stderr } = Bun.spawnSync(
    ["unshare", "--mount", "sh", "-c", script, "sh", unikrun, ...args],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  return { code: exitCode, stdout: stdout.toString(), stderr: stderr.toString() };
}
