import { reasonOf, UnikrunError } from "../../error.ts";
import { warn } from "../../log.ts";
import type { Container } from "../record/container.ts";
import { canDelete, statusOf } from "../record/status.ts";
import { forget } from "../record/store.ts";
import { bringVolumesBack } from "./bring-back.ts";
import { releaseResources } from "./end.ts";

/** Removes a container, all that it held, and its record. A running one is only removed with `force`. */
export async function deleteContainer(
  root: string,
  container: Container,
  options: { force: boolean },
): Promise<void> {
  const { id } = container;
  const status = statusOf(root, container);
  if (!options.force && !canDelete(status)) {
    throw new UnikrunError(
      `Container ${id} can't be deleted: it is ${status}; stop it first, or use delete --force.`,
    );
  }
  await releaseResources(root, container);
  await bringVolumesBack(container);
  forget(root, id);
  await runPoststop(container);
}

async function runPoststop(container: Container): Promise<void> {
  const { poststop = [] } = container.hooks;
  if (poststop.length === 0) return;
  const { runHook } = await import("./hooks.ts");
  for (const hook of poststop) {
    try {
      await runHook(container, "poststop", hook);
    } catch (error) {
      // runtime.md, Lifecycle 13: the container is gone all the same, and the other hooks run.
      await warn(reasonOf(error));
    }
  }
}
