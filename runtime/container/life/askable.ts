/** What only guests that can be asked are asked: ask-guest.ts is loaded for those, as for all others each call is a matter of microseconds. */
import { exists } from "../../../native/files.ts";
import { askableMark, type Container } from "../record/container.ts";

/** Before a guest is kept from writing for long. What fails is a warning. */
export async function flushGuest(root: string, container: Container): Promise<void> {
  if (exists(askableMark(root, container.id))) await (await import("./ask-guest.ts")).flush(root, container);
}

/**
 * What a signal to a guest's container is preceded by. True where it has ended the container, so that it need not be sent any more.
 * What fails is a warning: then the machine is ended as any other.
 */
export async function endByAsking(root: string, container: Container, signal: number): Promise<boolean> {
  if (!exists(askableMark(root, container.id))) return false;
  return (await import("./ask-guest.ts")).end(root, container, signal);
}
