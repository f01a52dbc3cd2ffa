import { enterCommand } from "../../../native/init.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import type { Hook } from "../spec/oci.ts";

/** Where a hook's path is looked up and where it runs (config.md, POSIX-platform Hooks). */
export type HookPlace =
  | { readonly kind: "runtime" }
  /** In the container's namespaces; `root` also makes the container's root file system its own. */
  | { readonly kind: "container"; readonly pid: number; readonly root?: string };

/**
 * Runs hooks in the listed order, each with the state on its stdin.
 * Throws at the first that fails or takes longer than its timeout (seconds).
 */
export async function runHooks(options: {
  kind: string;
  hooks: readonly Hook[] | undefined;
  place: HookPlace;
  state: { readonly id: string };
}): Promise<void> {
  const document = Buffer.from(JSON.stringify(options.state));
  for (const hook of options.hooks ?? []) {
    const trouble = await runHook(hook, options.place, document);
    if (trouble) {
      throw new UnikrunError(
        `Container ${options.state.id}: the ${options.kind} hook ${hook.path} ${trouble}.`,
      );
    }
  }
}

async function runHook(hook: Hook, place: HookPlace, state: Buffer): Promise<string | null> {
  using command = await commandOf(hook, place);
  let run: ReturnType<typeof Bun.spawnSync>;
  try {
    run = Bun.spawnSync({
      cmd: command.cmd,
      ...(place.kind === "runtime" && hook.args?.[0] !== undefined ? { argv0: hook.args[0] } : {}),
      env: Object.fromEntries((hook.env ?? []).map(splitVariable)),
      stdin: state,
      stdout: "ignore",
      stderr: "pipe",
      ...(hook.timeout
        ? { timeout: hook.timeout * 1000, killSignal: place.kind === "runtime" ? "SIGKILL" : "SIGTERM" }
        : {}),
    });
  } catch (error) {
    return `can't be run (${reasonOf(error)}): see that it exists and is executable`;
  }
  if (run.exitedDueToTimeout) return `took longer than its timeout of ${hook.timeout} s`;
  if (run.exitCode === 0) return null;
  const words = run.stderr?.toString().trim();
  const how = run.signalCode ? `was killed by ${run.signalCode}` : `failed with exit code ${run.exitCode}`;
  return words ? `${how}: ${words}` : how;
}

async function commandOf(hook: Hook, place: HookPlace): Promise<{ cmd: string[] } & Disposable> {
  if (place.kind === "runtime") {
    return { cmd: [hook.path, ...(hook.args ?? []).slice(1)], [Symbol.dispose]: () => {} };
  }
  const args = hook.args?.length ? hook.args : [hook.path];
  return enterCommand({ pid: place.pid, path: hook.path, args, ...(place.root ? { root: place.root } : {}) });
}

function splitVariable(variable: string): [string, string] {
  const equals = variable.indexOf("=");
  return equals < 0 ? [variable, ""] : [variable.slice(0, equals), variable.slice(equals + 1)];
}
