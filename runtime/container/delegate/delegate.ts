import { callersWords, restoreProcess } from "../../../native/caller.ts";
import { execute } from "../../../native/process.ts";
import { UnikrunError } from "../../error.ts";
import { warn } from "../../log.ts";
import { containerFolder } from "../record/container.ts";
import type { Report } from "../record/report.ts";
import { askOther, otherRuntime } from "./other-runtime.ts";
import { keepUsersFolder } from "./rootless.ts";

interface Delegated {
  readonly root: string;
  readonly rootGiven: boolean;
  /** Of the container; it need be none that could be. */
  readonly id: string;
}

/** Puts that runtime in our place, with the arguments that we were given, and our own default of --root, which is not its own. */
export async function delegate({ root, rootGiven, id }: Delegated): Promise<never> {
  const runtime = await otherRuntime(containerFolder(root, id), warn);
  const { args, environment } = callersWords();
  keepUsersFolder(root);
  restoreProcess();
  const first = rootGiven ? [runtime] : [runtime, "--root", root];
  try {
    return execute(runtime, [...first.map((word) => Buffer.from(word)), ...args], environment);
  } catch (cause) {
    throw new UnikrunError(
      `The runtime ${runtime} for what is not a unikernel can't be run: see "runtime" in /etc/unikrun/config.json.`,
      { cause },
    );
  }
}

/** The containers that the other runtime has below the same root; none where there is no such runtime. */
export async function listOthers(root: string): Promise<Report[]> {
  const text = (await askOther("--root", root, "list", "--format", "json"))?.trim();
  return text ? ((JSON.parse(text) as Report[] | null) ?? []) : [];
}
