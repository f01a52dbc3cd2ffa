import { askMachine, askPhase, holdMachine } from "../../../native/control.ts";
import { copySparse, packSparse } from "../../../native/copy.ts";
import { makeFolders, removeFile, statusOfFile, writeText } from "../../../native/files.ts";
import { O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY, openPath, owned } from "../../../native/libc.ts";
import { openInRoot } from "../../../native/regular-file.ts";
import { syncData } from "../../../native/tree-writes.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import { saveMachine } from "../../machine/migration.ts";
import { ownDisk } from "../boot/disks.ts";
import { openCgroup } from "../cgroup/cgroup.ts";
import { notRunning } from "../engines/words.ts";
import { flushGuest } from "../life/askable.ts";
import { endInit } from "../life/end.ts";
import { isAlive } from "../record/alive.ts";
import { boardOf, type Container, containerFolder } from "../record/container.ts";
import { holdContainer } from "../record/hold.ts";
import { keptDisk, type MachineRecord, readMachine } from "../record/machine.ts";
import { canCheckpoint, canResume, type Status, statusOf, stillMark } from "../record/status.ts";
import {
  diskName,
  holdsCheckpoint,
  identityOf,
  isLent,
  MEMORY,
  removeCheckpoint,
  writeCheckpoint,
} from "./image.ts";

/**
 * Saves a running or paused guest, with its memory, devices and disks, to a folder, and ends it unless it is to stay. A checkpoint
 * that fails, or is killed, leaves a running guest running.
 */
export async function checkpointContainer(
  root: string,
  container: Container,
  { folder, leaveRunning }: { folder: string; leaveRunning: boolean },
): Promise<void> {
  const { id } = container;
  using _held = holdContainer(root, container, "saved");
  const status = statusOf(root, container);
  const machine = machineToSave(root, container, status);
  makeFolders(folder, 0o700);
  if (holdsCheckpoint(folder))
    throw new UnikrunError(
      `Container ${id} can't be saved: ${folder} holds a checkpoint already: choose another folder.`,
    );
  const state = containerFolder(root, id);
  // What it has in memory is in the checkpoint; on its volumes it would not be.
  await flushGuest(root, container);
  try {
    using undo = new DisposableStack();
    undo.defer(() => removeCheckpoint(folder, machine.disks.length));
    using _still = standStill(root, container, status);
    const memory = saveMemory(state, folder);
    const disks = machine.disks.map((_, disk) => saveDisk(container, machine, folder, disk));
    writeCheckpoint(folder, {
      machine,
      vmm: vmmVersion(state),
      phase: askPhase(state),
      sizes: { memory, disks: disks.map(({ size }) => size) },
      lent: disks.map(({ lent }) => lent),
    });
    undo.move();
    if (!leaveRunning) endInit(container);
  } catch (cause) {
    if (cause instanceof UnikrunError) throw cause;
    throw new UnikrunError(
      `Container ${id} can't be saved to ${folder} (${reasonOf(cause)}): it is as it was before.`,
      {
        cause,
      },
    );
  }
}

/**
 * When this is disposed of, the guest is what it was before; also if we are killed, one that ran goes on, by init's care, and one that stood
 * can be resumed.
 */
function standStill(root: string, container: Container, status: Status): Disposable {
  if (!canResume(status)) return holdMachine(containerFolder(root, container.id));
  // containerd pauses what it saves. A frozen VMM could not, so only the guest stands still meanwhile.
  const cgroup = openCgroup(container.cgroup);
  const mark = stillMark(root, container);
  writeText(mark, "");
  cgroup.thaw();
  return {
    [Symbol.dispose]() {
      if (isAlive(container)) cgroup.freeze();
      removeFile(mark);
    },
  };
}

function machineToSave(root: string, container: Container, status: Status): MachineRecord {
  const { id } = container;
  if (!canCheckpoint(status)) throw notRunning(`${id} is ${status}, so it can't be saved`);
  const [board, record] = [boardOf(container), readMachine(root, id)];
  if (board?.tender !== undefined)
    throw new UnikrunError(
      `Container ${id} can't be saved: its guest is run by ${board.tender}, and only QEMU can save one; build it with -t virtio.`,
    );
  if (!board || !record)
    throw new UnikrunError(
      `Container ${id} can't be saved: an older unikrun started it; start it again first.`,
    );
  // There are records without it.
  const machine = { ...record, accelerator: board.accelerator };
  const lent = machine.disks.find(({ kind, readOnly }) => kind === "host" && !readOnly);
  if (!lent) return machine;
  throw new UnikrunError(
    `Container ${id} can't be saved: its guest writes ${lent.source}, a disk of the host, which would be another when it is restored: give it a volume.`,
  );
}

/** What a running machine's VMM is: both ends of a checkpoint must have the same. */
export function vmmVersion(stateFolder: string): string {
  const { qemu } = askMachine(stateFolder, { execute: "query-version" }) as {
    qemu: { major: number; minor: number; micro: number };
  };
  return `${qemu.major}.${qemu.minor}.${qemu.micro}`;
}

function saveMemory(state: string, folder: string): number {
  using file = owned(openPath(`${folder}/${MEMORY}`, O_WRONLY | O_CREAT | O_TRUNC, 0o600));
  const bytes = saveMachine(state, file.fd, "inside");
  syncData(file.fd);
  return bytes;
}

/** Of the disk of the image, which stays as it is: a checkpoint has what differs. */
function identityOfImage(container: Container): string {
  const { root, path } = ownDisk(container);
  using image = owned(openInRoot(root, path));
  return identityOf(image.fd);
}

function saveDisk(container: Container, machine: MachineRecord, folder: string, disk: number) {
  using from = owned(openPath(keptDisk(container, disk), O_RDONLY));
  if (isLent(machine.disks[disk]?.kind)) return { size: 0, lent: identityOf(from.fd) };
  using to = owned(openPath(`${folder}/${diskName(disk)}`, O_WRONLY | O_CREAT | O_TRUNC, 0o600));
  if (machine.disks[disk]?.readOnly) copySparse(from.fd, to.fd);
  else packSparse(from.fd, to.fd);
  syncData(to.fd);
  return {
    size: statusOfFile(to.fd).size,
    lent: machine.disks[disk]?.kind === "boot" ? identityOfImage(container) : "",
  };
}
