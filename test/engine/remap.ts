/** dockerd with user namespaces for all its containers (userns-remap), whose images and volumes are others then. */
import { existsSync, writeFileSync } from "node:fs";
import { succeed } from "./harness.ts";
import { killEngine, restartEngine, userns } from "./restart-engine.ts";

/** Of the containers' root, as uid and as gid. */
export const REMAPPED_ROOT = 200_000;

/** Subordinate ids are an account's. */
const ACCOUNT = "daemon";

/** Its end takes that back. */
export async function remapEngine(): Promise<AsyncDisposable> {
  await using undo = new AsyncDisposableStack();
  for (const name of ["subuid", "subgid"]) {
    const file = `/run/${name}`;
    writeFileSync(file, `${ACCOUNT}:${REMAPPED_ROOT}:65536\n`);
    if (!existsSync(`/etc/${name}`)) throw new Error(`/etc/${name} is not there`);
    succeed(["mount", "--bind", file, `/etc/${name}`]);
    undo.defer(() => void succeed(["umount", `/etc/${name}`]));
  }
  await killEngine();
  undo.defer(async () => {
    await killEngine();
    await restartEngine();
  });
  await restartEngine(userns(ACCOUNT));
  return undo.move();
}
