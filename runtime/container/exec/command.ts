/** A command that `unikrun exec` is given. */
import { type Command, type Refusal, readRequest } from "./request.ts";

/** One of unikrun's own, or another program's that it stands in for. */
export async function readCommand(args: readonly string[]): Promise<Command | Refusal> {
  const request = readRequest(args);
  if (request) return { request };
  const { understand } = await import("./checks/understand.ts");
  return understand(args);
}
