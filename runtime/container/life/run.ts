import { waitForInit } from "../../../native/init.ts";
import { type CreateOptions, createContainer } from "./create.ts";
import { deleteContainer } from "./delete.ts";
import { forwardSignals } from "./signal.ts";
import { startContainer } from "./start.ts";

/**
 * create, start (or what stands for it), and unless detached wait and delete. Returns the container's exit code (0 when detached);
 * null, with nothing done, where the bundle holds no unikernel.
 */
export async function runContainer(
  options: CreateOptions,
  { detach, keep }: { detach: boolean; keep: boolean },
  start = startContainer,
): Promise<number | null> {
  const waiter = detach ? null : waitForInit();
  const container = await createContainer(options, waiter?.launch);
  if (!container) return null;
  try {
    await start(options.root, container);
  } catch (error) {
    await deleteContainer(options.root, container, { force: true });
    throw error;
  }
  if (!waiter) return 0;
  forwardSignals(container);
  const code = await waiter.exited();
  if (!keep) await deleteContainer(options.root, container, { force: true });
  return code;
}
