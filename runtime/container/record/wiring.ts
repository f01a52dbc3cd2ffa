/** Whether a container's start is at changing a network namespace that outlives it, or was killed at that. */
import { exists, removeFile, writeText } from "../../../native/files.ts";
import { type Container, containerFolder } from "./container.ts";

const place = (root: string, { id }: Pick<Container, "id">): string => `${containerFolder(root, id)}/wiring`;

/** Before anything is changed there: a start may be killed at any moment, and an ingress says nothing of whose it is before it has a filter. */
export function beginWiring(root: string, container: Container): void {
  if (container.givenNetns) writeText(place(root, container), "");
}

/** Every ingress of the machine's has its filters, by which it is known from now on: one without is another's. */
export function endWiring(root: string, container: Container): void {
  if (container.givenNetns) removeFile(place(root, container));
}

export const isWiring = (root: string, container: Pick<Container, "id">): boolean =>
  exists(place(root, container));
