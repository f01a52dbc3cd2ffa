import type { Directive } from "../../../native/directives.ts";
import { readText } from "../../../native/files.ts";
import { execTool, waitForTool } from "../../../native/init.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import { announcePid, type PidReceivers } from "../engines/announce-pid.ts";
import { NO_SUCH_PROGRAM, notRunning } from "../engines/words.ts";
import type { Container } from "../record/container.ts";
import { holdContainer } from "../record/hold.ts";
import { canExecute, statusOf } from "../record/status.ts";
import type { Process } from "../spec/oci.ts";
import { checkProcess } from "../spec/process.ts";
import { besideMachine } from "./beside-machine.ts";
import { readCommand } from "./command.ts";
import { type Command, type Refusal, refuse } from "./request.ts";
import { prepareTool } from "./tools.ts";

export interface ExecOptions extends PidReceivers {
  readonly process: Pick<Process, "args" | "terminal" | "consoleSize">;
  readonly detach: boolean;
  readonly consoleSocket?: string;
}

/**
 * Runs one of unikrun's own commands about a guest, in its container's cgroup and namespaces. Returns its exit code, 0 when
 * detached. Throws UnikrunError for any other program: a unikernel has none but itself.
 */
export async function execInContainer(
  root: string,
  container: Container,
  options: ExecOptions,
): Promise<number> {
  const { id } = container;
  // One that joined a frozen cgroup would stand still.
  using joining = new DisposableStack();
  joining.use(holdContainer(root, container, "asked"));
  checkStatus(root, container);
  const { args = [], terminal = false, consoleSize } = options.process;
  const command = await commandFor(container, args);
  if (terminal && options.detach && options.consoleSocket === undefined)
    throw new UnikrunError(`Container ${id}: exec with a terminal needs --console-socket to hand it to.`);
  using tool = prepareTool(root, container, command.request);
  const waiter = options.detach ? null : waitForTool(tool.given);
  const launch = waiter?.launch ?? execTool(tool.given);
  const answer = await launch([
    ...besideMachine(container),
    ...terminalDirectives(terminal, options.consoleSocket, consoleSize),
    ...(command.redirects ?? []).map((redirect) => ["redirect", redirect] as const),
    ...(command.failure === undefined ? [] : [["failure", String(command.failure)] as const]),
    ...tool.directives,
  ]);
  if ("error" in answer) throw new UnikrunError(`Container ${id}: exec failed: ${answer.error}.`);
  joining.dispose();
  announcePid(id, answer.pid, options);
  return waiter ? waiter.exited() : 0;
}

async function commandFor(container: Container, args: readonly string[]): Promise<Command> {
  const command = await readCommand(args);
  const refusal = "why" in command ? command : await checkPlace(container, command);
  if (!("why" in refusal)) return refusal;
  const more = refusal.why === null ? "" : `, and ${refusal.why}`;
  throw new UnikrunError(
    `Container ${container.id} is a unikernel, so there is no ${JSON.stringify(args[0] ?? "")} in it (${NO_SUCH_PROGRAM} a machine that is one program)${more}: exec runs "unikrun http|tcp|ping|dns|console|stats|status" there, see "unikrun help exec".`,
  );
}

/** The command, where it asks the guest. */
async function checkPlace(container: Container, command: Command): Promise<Command | Refusal> {
  const { program, place } = command;
  if (program === undefined || place === undefined) return command;
  const { meansGuest } = await import("./checks/own-place.ts");
  if (meansGuest(container, place)) return command;
  return refuse(program, `asks nobody but the guest itself, so not ${JSON.stringify(place)}`);
}

/** Not in a paused container either, whatever runc's --ignore-paused says: what joins a frozen cgroup stands still as well. */
function checkStatus(root: string, container: Container): void {
  const status = statusOf(root, container);
  if (canExecute(status)) return;
  const advice = {
    created: "start it first",
    paused: "resume it first",
    stopped: "start a new one",
  }[status];
  throw notRunning(`${container.id} is ${status}, so nothing can be executed in it: ${advice}`);
}

function terminalDirectives(
  terminal: boolean,
  socket: string | undefined,
  size: Process["consoleSize"],
): readonly Directive[] {
  if (!terminal || socket === undefined) return [];
  return [
    ["console-socket", socket],
    ...(size ? [["terminal-size", `${size.height}x${size.width}`] as const] : []),
  ];
}

/** The process in a file, as engines give it (--process). */
export function readProcessFile(path: string): Process {
  let document: unknown;
  try {
    document = JSON.parse(readText(path));
  } catch (cause) {
    throw new UnikrunError(`exec --process: ${path} can't be read as JSON (${reasonOf(cause)}).`, { cause });
  }
  checkProcess(document, `process of ${path}`);
  return document as Process;
}
