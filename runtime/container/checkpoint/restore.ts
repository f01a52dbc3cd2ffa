import { reasonOf, UnikrunError } from "../../error.ts";
import { familyNamed } from "../../guest/detect.ts";
import { guestMemory } from "../../machine/memory.ts";
import { loadMachine } from "../../machine/migration.ts";
import { judgeKvm, probeHost } from "../../machine/probe.ts";
import { findQemu } from "../../machine/qemu.ts";
import { adoptAddresses, refuseOtherAddresses } from "../../network/adopt.ts";
import type { CreateOptions } from "../create.ts";
import { firmwareOf } from "../machine-record.ts";
import { runContainer } from "../run.ts";
import { hostSettings } from "../settings.ts";
import { startContainer } from "../start.ts";
import { type Container, netnsOf } from "../state.ts";
import { openSavedDisks } from "./disks.ts";
import { type Checkpoint, MEMORY, openPart, readCheckpoint } from "./image.ts";
import { vmmVersion } from "./save.ts";

/**
 * Makes a container whose guest goes on where a checkpoint has it, and waits for it unless detached. Returns its exit code, 0 when
 * detached; null, with nothing done, where the bundle holds no unikernel. A restore that fails leaves nothing.
 */
export const restoreContainer = (
  options: CreateOptions,
  { folder, detach, lazyPages }: { folder: string; detach: boolean; lazyPages: boolean },
): Promise<number | null> =>
  runContainer(options, { detach, keep: false }, (root, container) => {
    // Only now it is known that this is not another runtime's, which judges its flags itself.
    if (!lazyPages) return resume(root, container, folder);
    throw new UnikrunError(
      `Container ${container.id} is a unikernel, whose memory is brought back whole and at once: leave --lazy-pages out.`,
    );
  });

async function resume(root: string, container: Container, folder: string): Promise<void> {
  const { id, guest } = container;
  const checkpoint = readCheckpoint(folder);
  const { machine, accelerator, phase } = checkpoint;
  if (machine.family !== guest.family) {
    throw new UnikrunError(
      `Container ${id} can't be restored: the checkpoint in ${folder} is of a guest of the family ${machine.family}, and this is one of ${guest.family}.`,
    );
  }
  if (accelerator === "kvm") await refuseWithoutKvm(id, folder);
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
      firmware: firmwareOf(machine),
      machine,
      phase,
      disks: disks.list,
      load(state) {
        load(id, state, folder, checkpoint);
        adoptAddresses(netnsOf(container), machine.nics, nics);
      },
      [Symbol.dispose]: () => disks[Symbol.dispose](),
    };
  });
}

async function refuseWithoutKvm(id: string, folder: string): Promise<void> {
  const { verdict } = await judgeKvm(probeHost(findQemu((await hostSettings()).qemu)));
  if (verdict.kind !== "broken") return;
  throw new UnikrunError(
    `Container ${id} can't be restored: the checkpoint in ${folder} was made under KVM, and here ${verdict.why}: restore it on a host that has KVM.`,
  );
}

function load(id: string, state: string, folder: string, { vmm, sizes }: Checkpoint): void {
  const version = vmmVersion(state);
  if (version !== vmm) {
    throw new UnikrunError(
      `Container ${id} can't be restored: QEMU ${vmm} made the checkpoint in ${folder}, and this host has QEMU ${version}: use the same one.`,
    );
  }
  try {
    using memory = openPart(folder, MEMORY, sizes.memory);
    loadMachine(state, memory.fd);
  } catch (cause) {
    throw new UnikrunError(
      `Container ${id} can't be restored: QEMU does not take the state in ${folder} (${reasonOf(cause)}): is it damaged, or of another kernel?`,
      { cause },
    );
  }
}
