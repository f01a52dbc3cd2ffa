import { O_RDONLY, openPath, owned } from "../../../native/libc.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import { familyNamed } from "../../guest/detect.ts";
import { guestMemory } from "../../machine/memory.ts";
import { loadMachine } from "../../machine/migration.ts";
import { adoptAddresses, refuseOtherAddresses } from "../../network/adopt.ts";
import type { CreateOptions } from "../create.ts";
import { runContainer } from "../run.ts";
import { startContainer } from "../start.ts";
import type { Container } from "../state.ts";
import { openSavedDisks } from "./disks.ts";
import { type Checkpoint, memoryFile, readCheckpoint } from "./image.ts";
import { vmmVersion } from "./save.ts";

/**
 * Makes a container whose guest goes on where a checkpoint has it, and waits for it unless detached. Returns its exit code, 0 when
 * detached; null, with nothing done, where the bundle holds no unikernel. A restore that fails leaves nothing.
 */
export const restoreContainer = (
  options: CreateOptions,
  { folder, detach }: { folder: string; detach: boolean },
): Promise<number | null> =>
  runContainer(options, { detach, keep: false }, (root, container) => resume(root, container, folder));

async function resume(root: string, container: Container, folder: string): Promise<void> {
  const { id, guest, givenNetns, pid } = container;
  const checkpoint = readCheckpoint(folder);
  const { machine, accelerator, phase } = checkpoint;
  if (machine.family !== guest.family) {
    throw new UnikrunError(
      `Container ${id} can't be restored: the checkpoint in ${folder} is of a guest of the family ${machine.family}, and this is one of ${guest.family}.`,
    );
  }
  await startContainer(root, container, (nics) => {
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
      phase,
      disks: disks.list,
      load(state) {
        load(id, state, folder, checkpoint);
        adoptAddresses(givenNetns ?? `/proc/${pid}/ns/net`, machine.nics, nics);
      },
      [Symbol.dispose]: () => disks[Symbol.dispose](),
    };
  });
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
