/** Runs the small C program that stands in a container; it is carried inside this binary. */
import image from "../build/init" with { type: "file" };
import { type Directive, encodeDirectives } from "./directives.ts";
import { readAt, readText } from "./files.ts";
import { owned } from "./libc.ts";
import { memoryFile } from "./process.ts";

export type InitAnswer = { readonly pid: number } | { readonly error: string };

/** A path that this process and its children can execute; valid as long as it is not disposed of. */
async function initProgram(): Promise<{ path: string } & Disposable> {
  // From a memory file: /run is mounted noexec on many hosts, and nobody can exchange it.
  const file = owned(memoryFile("unikrun-init", await Bun.file(image).bytes()));
  return { path: `/proc/${process.pid}/fd/${file.fd}`, [Symbol.dispose]: () => file[Symbol.dispose]() };
}

export type LaunchInit = (directives: readonly Directive[]) => Promise<InitAnswer>;

/**
 * Starts a container's init and returns when it has reported. It is then an orphan: a subreaper's (the shim's) child.
 * Its stdio is ours.
 */
export const createInit: LaunchInit = (directives) =>
  launchInit(directives, (init) => void Bun.spawnSync(init));

/** Like createInit, but what it starts stays between us and the container's init until that ends. */
export function waitForInit(): { launch: LaunchInit; exited: () => Promise<number> } {
  let exited: Promise<number> = Promise.resolve(1);
  const launch: LaunchInit = (directives) =>
    launchInit([...directives, ["wait", ""]], (init, answer) => {
      const child = Bun.spawn(init);
      exited = child.exited;
      while (!answer() && readText(`/proc/${child.pid}/stat`).lastIndexOf(") Z") < 0) Bun.sleepSync(1);
    });
  return { launch, exited: () => exited };
}

/** `run` starts the program and returns when `answer` has something to say, or never will. */
async function launchInit(
  directives: readonly Directive[],
  run: (init: ReturnType<typeof command>, answer: () => string) => void,
): Promise<InitAnswer> {
  using program = await initProgram();
  using orders = owned(memoryFile("directives", encodeDirectives(directives)));
  using answer = owned(memoryFile("answer", new Uint8Array()));
  const read = (): string => readAt(answer.fd, 0, 2048).toString();
  run(command(program.path, orders.fd, answer.fd), read);
  return parseAnswer(read());
}

function command(program: string, orders: number, answer: number) {
  return {
    cmd: [program, "create"],
    argv0: "unikrun-init",
    env: {},
    stdio: ["inherit", "inherit", "inherit", orders, answer] as [
      "inherit",
      "inherit",
      "inherit",
      number,
      number,
    ],
  };
}

function parseAnswer(text: string): InitAnswer {
  if (text.startsWith("pid ")) return { pid: Number(text.slice(4)) };
  return { error: text.startsWith("error ") ? text.slice(6) : "the container's init ended without a word" };
}

/** The command that runs `args` in the namespaces of `pid`, below `root` if one is given. */
export async function enterCommand(options: {
  pid: number;
  root?: string;
  path: string;
  args: readonly string[];
}): Promise<{ cmd: string[] } & Disposable> {
  const program = await initProgram();
  return {
    cmd: [program.path, "enter", String(options.pid), options.root ?? "-", options.path, ...options.args],
    [Symbol.dispose]: () => program[Symbol.dispose](),
  };
}
