/** Users of an engine that are others on the host: subordinate ids (subuid(5)), and a dockerd that gives them to all its containers. */
import { writeFileSync } from "node:fs";
import { succeed } from "./harness.ts";
import { killEngine, restartEngine, userns } from "./restart-engine.ts";

/** Of the containers' root, as uid and as gid. */
export const REMAPPED_ROOT = 200_000;

/** Gives an account of the host ids from REMAPPED_ROOT on, as long as this is not disposed of. */
export function lendIds(account: string, count: number): Disposable {
  using undo = new DisposableStack();
  for (const name of ["subuid", "subgid"]) {
    const file = `/run/${name}`;
    writeFileSync(file, `${account}:${REMAPPED_ROOT}:${count}\n`);
    succeed(["mount", "--bind", file, `/etc/${name}`]);
    undo.defer(() => void succeed(["umount", `/etc/${name}`]));
  }
  return undo.move();
}

/** Its images and volumes are others then. The end takes that back. */
export async function remapEngine(): Promise<AsyncDisposable> {
  const ACCOUNT = "daemon";
  await using undo = new AsyncDisposableStack();
  undo.use(lendIds(ACCOUNT, 65_536));
  await killEngine();
  undo.defer(async () => {
    await killEngine();
    await restartEngine();
  });
  await restartEngine(userns(ACCOUNT));
  return undo.move();
}
