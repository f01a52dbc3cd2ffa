import { once } from "../../../native/libc.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import { loadMachine } from "../../machine/migration.ts";
import { judgeKvm, probeHost } from "../../machine/probe.ts";
import { findQemu } from "../../machine/qemu.ts";
import { adoptAddresses, refuseOtherAddresses } from "../../network/adopt.ts";
import type { CreateOptions } from "../life/create.ts";
import { runContainer } from "../life/run.ts";
import { type Resume, startContainer } from "../life/start.ts";
import { type Container, netnsOf } from "../record/container.ts";
import { hostSettings } from "../settings/host.ts";
import { openSavedDisks } from "./disks.ts";
import { type Checkpoint, MEMORY, openPart, readCheckpoint } from "./image.ts";
import { vmmVersion } from "./save.ts";

/**
 * Makes a container whose guest goes on where a checkpoint has it, and waits for it unless detached. Returns its exit code, 0 when
 * detached; null, with nothing done, where the bundle holds no unikernel. A restore that fails leaves nothing.
 */
export async function restoreContainer(
  options: CreateOptions,
  { folder, detach, lazyPages }: { folder: string; detach: boolean; lazyPages: boolean },
): Promise<number | null> {
  const checkpoint = once(() => readCheckpoint(folder));
  // Only when it is asked for, it is known that this is not another runtime's, which judges its flags itself.
  const saved = async (family: string) => {
    if (lazyPages)
      throw new UnikrunError(
        `Container ${options.id} is a unikernel, whose memory is brought back whole and at once: leave --lazy-pages out.`,
      );
    const { family: savedFamily, accelerator, firmware, memoryMiB } = checkpoint().machine;
    if (savedFamily !== family) {
      throw new UnikrunError(
        `Container ${options.id} can't be restored: the checkpoint in ${folder} is of a guest of the family ${savedFamily}, and this is one of ${family}.`,
      );
    }
    if (accelerator === "kvm") await refuseWithoutKvm(options.id, folder);
    return { accelerator, firmware, memoryMiB };
  };
  return await runContainer({ ...options, saved }, { detach, keep: false }, (root, container) =>
    resume(root, container, folder, checkpoint()),
  );
}

async function resume(
  root: string,
  container: Container,
  folder: string,
  checkpoint: Checkpoint,
): Promise<void> {
  const { id } = container;
  const { machine, phase } = checkpoint;
  const goOn: Resume = (all) => {
    // A guest that declares its devices has no other.
    const nics = machine.order ? all.slice(0, machine.nics.length) : all;
    refuseOtherAddresses(id, machine.nics, nics);
    const disks = openSavedDisks(container, folder, checkpoint);
    return {
      machine,
      disks: disks.list,
      saved: {
        phase,
        load(state) {
          load(id, state, folder, checkpoint);
          adoptAddresses(netnsOf(container), machine.nics, nics);
        },
      },
      [Symbol.dispose]: () => disks[Symbol.dispose](),
    };
  };
  await startContainer(root, container, { resume: goOn, proxy: machine.proxy ?? false });
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
    loadMachine(state, memory.fd, "inside");
  } catch (cause) {
    throw new UnikrunError(
      `Container ${id} can't be restored: QEMU does not take the state in ${folder} (${reasonOf(cause)}): is it damaged, or of another kernel?`,
      { cause },
    );
  }
}
