/** Keeping a guest as a template, once it is ready. */
import { askPhase, holdMachine } from "../../../native/control.ts";
import { copySparse } from "../../../native/copy.ts";
import { statusOfFile } from "../../../native/files.ts";
import { O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY, openPath, owned } from "../../../native/libc.ts";
import { FileStatus } from "../../../native/tree-files.ts";
import { syncData } from "../../../native/tree-writes.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import { saveMachine } from "../../machine/migration.ts";
import { keptDisk } from "../checkpoint/save.ts";
import { execInContainer } from "../exec/exec.ts";
import { type Container, containerFolder } from "../record/container.ts";
import { readMachine } from "../record/machine.ts";
import { canExecute, statusOf } from "../record/status.ts";
import { type Draft, diskName, draftTemplate, MEMORY, pruneTemplates, STATE } from "./templates.ts";

/** Milliseconds that a guest may take to be ready. */
const PATIENCE = 120_000;

/** Milliseconds between two looks, the first and the longest. */
const PAUSE = { first: 20, longest: 500 };

/**
 * A process of its own does it, which nobody waits for. Its input and output are nobody's, so that an engine does not take it for the
 * container.
 */
export function keepInBackground(root: string, { id }: Container): void {
  Bun.spawn({
    cmd: [process.execPath, "--root", root, "templates", "--keep", id],
    stdio: ["ignore", "ignore", "ignore"],
    detached: true,
  }).unref();
}

/** Waits until a container's guest listens, and keeps it as a template, unless there is one or somebody else does. */
export async function keepTemplate(root: string, container: Container): Promise<void> {
  const { id, guest } = container;
  const machine = readMachine(root, id);
  const { template: name } = machine ?? {};
  if (!machine || !guest.warm || name === undefined) {
    throw new UnikrunError(
      `Container ${id} can't be kept as a template: it was not started as one that can be (org.unikrun.warm).`,
    );
  }
  using draft = draftTemplate(guest.store, name);
  if (!draft || !(await isReady(root, container, guest.warm.port))) return;
  try {
    const { template: _, ...kept } = machine;
    const sizes = save(container, containerFolder(root, id), draft, kept.disks, guest.warm.bytes);
    if (!sizes) return;
    draft.finish({ container: id, kernel: guest.kernel, machine: kept, ...sizes });
    pruneTemplates(guest.store, guest.warm.bytes);
  } catch (cause) {
    throw new UnikrunError(
      `Container ${id} can't be kept as a template in ${guest.store} (${reasonOf(cause)}): it goes on as it was.`,
      { cause },
    );
  }
}

/** Whether it listens before it ends. */
async function isReady(root: string, container: Container, port: number): Promise<boolean> {
  const deadline = Date.now() + PATIENCE;
  const args = ["unikrun", "tcp", String(port), "--timeout", "1"];
  try {
    for (let pause = PAUSE.first; Date.now() < deadline; pause = Math.min(pause * 1.5, PAUSE.longest)) {
      if (!canExecute(statusOf(root, container))) return false;
      const { phase } = askPhase(containerFolder(root, container.id));
      if (phase === "ending") return false;
      if (
        phase === "main" &&
        (await execInContainer(root, container, { process: { args }, detach: false })) === 0
      )
        return true;
      await Bun.sleep(pause);
    }
  } catch (error) {
    // Whatever is asked of one that has just ended fails.
    if (canExecute(statusOf(root, container))) throw error;
  }
  return false;
}

/** Null where the guest ends just now. Only what the guest can change is copied while it stands still. */
function save(
  container: Container,
  state: string,
  draft: Draft,
  disks: readonly { readonly readOnly: boolean }[],
  limit: number,
) {
  refuseMoreThan(limit, container, disks.length);
  using files = new DisposableStack();
  const made: number[] = [];
  const create = (name: string): number => {
    const flags = O_WRONLY | O_CREAT | O_TRUNC;
    const { fd } = files.use(owned(openPath(`${draft.folder}/${name}`, flags, 0o600)));
    made.push(fd);
    return fd;
  };
  const copy = (path: string, to: number): void => {
    using from = owned(openPath(path, O_RDONLY));
    copySparse(from.fd, to);
  };
  const copies = disks.map(({ readOnly }, disk) => ({ readOnly, disk, fd: create(diskName(disk)) }));
  const [stateFile, memoryFile] = [create(STATE), create(MEMORY)];
  for (const { disk, fd } of copies.filter(({ readOnly }) => readOnly)) copy(keptDisk(container, disk), fd);
  const phase = (() => {
    using _still = holdMachine(state);
    saveMachine(state, stateFile, "beside");
    // init is in the cage.
    copy(`/proc/${container.pid}/root/guest/memory`, memoryFile);
    for (const { disk, fd } of copies.filter(({ readOnly }) => !readOnly))
      copy(keptDisk(container, disk), fd);
    return askPhase(state);
  })();
  if (phase.phase !== "main" || phase.halting) return null;
  for (const fd of made) syncData(fd);
  const sizeOf = (fd: number): number => statusOfFile(fd).size;
  const sizes = {
    state: sizeOf(stateFile),
    memory: sizeOf(memoryFile),
    disks: copies.map(({ fd }) => sizeOf(fd)),
  };
  return { phase, sizes };
}

/** Before anything is written, and while the guest runs. */
function refuseMoreThan(limit: number, container: Container, disks: number): void {
  let total = 0;
  for (let disk = 0; disk < disks; disk++) {
    using file = owned(openPath(keptDisk(container, disk), O_RDONLY));
    total += new FileStatus().readOpen(file.fd).allocated;
  }
  if (total > limit)
    throw new Error(`its disks take ${total} bytes, and templates may take ${limit} ("warmSize")`);
}
