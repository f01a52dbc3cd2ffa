import { waitForInit } from "../../../native/init.ts";
import { O_RDONLY, openPath, owned } from "../../../native/libc.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import { familyNamed } from "../../guest/detect.ts";
import { guestMemory } from "../../machine/memory.ts";
import { loadMachine } from "../../machine/migration.ts";
import { adoptAddresses, refuseOtherAddresses } from "../../network/adopt.ts";
import { type CreateOptions, createContainer } from "../create.ts";
import { deleteContainer } from "../delete.ts";
import { forwardSignals } from "../signal.ts";
import { type Resumed, startContainer } from "../start.ts";
import { openSavedDisks } from "./disks.ts";
import { type Checkpoint, memoryFile, readCheckpoint } from "./image.ts";
import { vmmVersion } from "./save.ts";

/**
 * Makes a container whose guest goes on where a checkpoint has it, and waits for it unless detached. Returns its exit code, 0 when
 * detached; null, with nothing done, where the bundle holds no unikernel. A restore that fails leaves nothing.
 */
export async function restoreContainer(
  options: CreateOptions,
  { folder, detach }: { folder: string; detach: boolean },
): Promise<number | null> {
  const waiter = detach ? null : waitForInit();
  const container = await createContainer(options, waiter?.launch);
  if (!container) return null;
  try {
    const checkpoint = readCheckpoint(folder);
    const { id, guest } = container;
    if (checkpoint.machine.family !== guest.family) {
      throw new UnikrunError(
        `Container ${id} can't be restored: the checkpoint in ${folder} is of a ${checkpoint.machine.family} guest, and this is a ${guest.family} one.`,
      );
    }
    await startContainer(options.root, container, (nics) => {
      const { machine, accelerator } = checkpoint;
      refuseOtherAddresses(id, machine.nics, nics);
      const family = familyNamed(guest.family);
      guestMemory({
        containerId: id,
        limit: guest.memoryLimit,
        wanted: machine.memoryMiB,
        family,
        accelerator,
      });
      const disks = openSavedDisks(container, folder, checkpoint);
      return {
        accelerator,
        machine,
        phase: checkpoint.phase,
        disks: disks.list,
        load(state) {
          load(id, state, folder, checkpoint);
          adoptAddresses(container.givenNetns ?? `/proc/${container.pid}/ns/net`, machine.nics, nics);
        },
        [Symbol.dispose]: () => disks[Symbol.dispose](),
      } satisfies Resumed;
    });
  } catch (error) {
    await deleteContainer(options.root, container, { force: true });
    throw error;
  }
  if (!waiter) return 0;
  forwardSignals(container);
  const code = await waiter.exited();
  await deleteContainer(options.root, container, { force: true });
  return code;
}

function load(id: string, state: string, folder: string, { vmm }: Checkpoint): void {
  const version = vmmVersion(state);
  if (version !== vmm) {
    throw new UnikrunError(
      `Container ${id} can't be restored: QEMU ${vmm} made the checkpoint in ${folder}, and this host has QEMU ${version}: use the same one.`,
    );
  }
  try {
    using memory = owned(openPath(memoryFile(folder), O_RDONLY));
    loadMachine(state, memory.fd);
  } catch (cause) {
    throw new UnikrunError(
      `Container ${id} can't be restored: QEMU does not take the state in ${folder} (${reasonOf(cause)}): is it damaged, or of another kernel?`,
      { cause },
    );
  }
}
