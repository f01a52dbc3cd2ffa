/** OCI hooks: whose they are, where they run, and what they hear. */
import { enterCommand } from "../../../native/init.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import { passed } from "../../steps.ts";
import type { Container } from "../record/container.ts";
import { type Status, stateDocument } from "../record/status.ts";
import type { Hook, HookKind } from "../spec/oci.ts";

/** Where a hook's path is looked up and where it runs (config.md, POSIX-platform Hooks). */
type Place =
  | "runtime"
  /** In the container's namespaces. */
  | "container"
  /** There, with the container's root file system as its own. */
  | "container's root";

/**
 * Where each kind runs, and as what the container is described to it: "creating" is step 2 of the life cycle alone, and hooks are the
 * steps after it (runtime.md, State).
 */
const KINDS: Readonly<Record<HookKind, { readonly place: Place; readonly status: Status }>> = {
  prestart: { place: "runtime", status: "created" },
  createRuntime: { place: "runtime", status: "created" },
  createContainer: { place: "container", status: "created" },
  startContainer: { place: "container's root", status: "created" },
  poststart: { place: "runtime", status: "running" },
  poststop: { place: "runtime", status: "stopped" },
};

/** Runs the hooks of a kind in the listed order. Throws UnikrunError at the first that fails or takes longer than its timeout. */
export async function runHooks(container: Container, kind: HookKind): Promise<void> {
  for (const hook of container.hooks[kind] ?? []) await runHook(container, kind, hook);
}

/** With the state on its stdin. */
export async function runHook(container: Container, kind: HookKind, hook: Hook): Promise<void> {
  const { place, status } = KINDS[kind];
  const state = Buffer.from(JSON.stringify(stateDocument(container, status)));
  using command = commandOf(hook, place, container);
  const trouble = execute(hook, command, place, state);
  passed("hook", `${kind} ${hook.path}`);
  if (trouble) throw new UnikrunError(`Container ${container.id}: the ${kind} hook ${hook.path} ${trouble}.`);
}

/** Null, or what went wrong. */
function execute(hook: Hook, command: { cmd: string[] }, place: Place, state: Buffer): string | null {
  let run: ReturnType<typeof Bun.spawnSync>;
  try {
    run = Bun.spawnSync({
      cmd: command.cmd,
      ...(place === "runtime" && hook.args?.[0] !== undefined ? { argv0: hook.args[0] } : {}),
      env: Object.fromEntries((hook.env ?? []).map(splitVariable)),
      stdin: state,
      stdout: "ignore",
      stderr: "pipe",
      ...(hook.timeout
        ? { timeout: hook.timeout * 1000, killSignal: place === "runtime" ? "SIGKILL" : "SIGTERM" }
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

function commandOf(hook: Hook, place: Place, { pid, rootfs }: Container): { cmd: string[] } & Disposable {
  if (place === "runtime") {
    return { cmd: [hook.path, ...(hook.args ?? []).slice(1)], [Symbol.dispose]: () => {} };
  }
  const args = hook.args?.length ? hook.args : [hook.path];
  return enterCommand({
    pid,
    path: hook.path,
    args,
    ...(place === "container's root" ? { root: rootfs } : {}),
  });
}

function splitVariable(variable: string): [string, string] {
  const equals = variable.indexOf("=");
  return equals < 0 ? [variable, ""] : [variable.slice(0, equals), variable.slice(equals + 1)];
}
