import { O_RDONLY, openPath, owned } from "../../../native/libc.ts";
import { lockWithin } from "../../../native/lock.ts";
import { UnikrunError } from "../../error.ts";
import { type Container, containerFolder } from "./container.ts";

/** Milliseconds: what another call does is a matter of some, unless hooks take their time. */
const PATIENCE = 5_000;

/**
 * Holds a container, from a look at its status to what follows from that, against other calls that change it. `kill` and `delete` need not:
 * whatever else is under way fails by them. Throws UnikrunError where another call has it, for `start` at once.
 */
export function holdContainer(
  root: string,
  { id }: Container,
  what: "started" | "paused" | "resumed" | "updated" | "saved" | "asked",
): Disposable {
  using opened = new DisposableStack();
  // Given back by its end, however that comes.
  const folder = opened.use(owned(openPath(containerFolder(root, id), O_RDONLY)));
  if (!lockWithin(folder.fd, what === "started" ? 0 : PATIENCE, { shared: what === "asked" })) {
    throw new UnikrunError(
      `Container ${id} can't be ${what}: another call is changing it at this moment; try again when that has ended.`,
    );
  }
  opened.move();
  return folder;
}
