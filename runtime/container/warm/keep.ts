/** Keeping a guest as a template, once it is ready. */
import { askMachine, askPhase, holdMachine } from "../../../native/control.ts";
import { copySparse } from "../../../native/copy.ts";
import { statusOfFile } from "../../../native/files.ts";
import { O_CREAT, O_RDONLY, O_TRUNC, O_WRONLY, openPath, owned } from "../../../native/libc.ts";
import { parentOf } from "../../../native/paths.ts";
import { FileStatus } from "../../../native/tree-files.ts";
import { linkIn, syncData } from "../../../native/tree-writes.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import { saveMachine } from "../../machine/migration.ts";
import { passed } from "../../steps.ts";
import { execInContainer } from "../exec/exec.ts";
import { type Container, containerFolder } from "../record/container.ts";
import { type DiskRecord, keptDisk, readMachine } from "../record/machine.ts";
import { canExecute, statusOf } from "../record/status.ts";
import { writeCall } from "../record/trace.ts";
import { pruneTemplates } from "./all-templates.ts";
import { knownNeighbours } from "./identity.ts";
import { type Draft, diskName, draftTemplate, MEMORY, STATE, type Template } from "./templates.ts";

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
  passed("listens", `on port ${guest.warm.port}`);
  try {
    const { template: _, ...kept } = machine;
    const neighbours = kept.proxy ? await knownNeighbours(container) : [];
    const sizes = save(container, containerFolder(root, id), draft, kept.disks, guest.warm.bytes);
    if (!sizes) return;
    const { kernel, hostname } = guest;
    const named = hostname === undefined ? {} : { hostname };
    draft.finish({ container: id, kernel, ...named, neighbours, machine: kept, ...sizes });
    pruneTemplates(guest.store, guest.warm.bytes);
    passed("kept");
    await writeCall(root, id, "keep");
  } catch (cause) {
    await writeCall(root, id, "keep", cause);
    throw new UnikrunError(
      `Container ${id} can't be kept as a template in ${guest.store} (${reasonOf(cause)}): it goes on as it was.`,
      { cause },
    );
  }
}

/** Whether it listens before it ends. */
async function isReady(root: string, container: Container, port: number): Promise<boolean> {
  const deadline = performance.now() + PATIENCE;
  const args = ["unikrun", "tcp", String(port), "--timeout", "1"];
  try {
    for (
      let pause = PAUSE.first;
      performance.now() < deadline;
      pause = Math.min(pause * 1.5, PAUSE.longest)
    ) {
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
  { folder }: Draft,
  disks: readonly DiskRecord[],
  limit: number,
): Pick<Template, "phase" | "sizes"> | null {
  refuseMoreThan(limit, container, disks.length);
  const all = disks.map((disk, index) => ({
    ...disk,
    from: keptDisk(container, index),
    to: `${folder}/${diskName(index)}`,
  }));
  for (const disk of all.filter(({ readOnly }) => readOnly))
    if (disk.kind !== "tree" || !linkFile(disk.from, disk.to)) copyFile(disk.from, disk.to);
  const [stateFile, memoryFile] = [`${folder}/${STATE}`, `${folder}/${MEMORY}`];
  const phase = (() => {
    using _still = holdMachine(state);
    using to = owned(openPath(stateFile, O_WRONLY | O_CREAT | O_TRUNC, 0o600));
    saveMachine(state, to.fd, "beside");
    // init is in the cage.
    copyFile(`/proc/${container.pid}/root/guest/memory`, memoryFile);
    for (const disk of all.filter(({ readOnly }) => !readOnly)) copyFile(disk.from, disk.to);
    const { status } = askMachine(state, { execute: "query-status" }) as { status: string };
    if (status !== "postmigrate") throw new Error("somebody let it go on meanwhile");
    return askPhase(state);
  })();
  if (phase.phase !== "main" || phase.halting) return null;
  const sizes = {
    state: syncedSize(stateFile),
    memory: syncedSize(memoryFile),
    disks: all.map(({ to }) => syncedSize(to)),
  };
  return { phase, sizes };
}

function copyFile(from: string, to: string): void {
  using source = owned(openPath(from, O_RDONLY));
  using target = owned(openPath(to, O_WRONLY | O_CREAT | O_TRUNC, 0o600));
  copySparse(source.fd, target.fd);
}

/** A disk that the store has already, and nobody writes, gets a second name there. */
function linkFile(from: string, to: string): boolean {
  using source = owned(openPath(from, O_RDONLY));
  using folder = owned(openPath(parentOf(to), O_RDONLY));
  try {
    linkIn(source.fd, folder.fd, to.slice(to.lastIndexOf("/") + 1));
    return true;
  } catch {
    return false;
  }
}

/** Bytes; they would survive the host's loss of power. */
function syncedSize(path: string): number {
  using file = owned(openPath(path, O_RDONLY));
  syncData(file.fd);
  return statusOfFile(file.fd).size;
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
