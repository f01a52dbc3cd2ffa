/** Whether a container's start got as far as changing a network namespace that outlives it. */
import { exists, writeText } from "../../../native/files.ts";
import { type Container, containerFolder } from "./container.ts";

const place = (root: string, { id }: Container): string => `${containerFolder(root, id)}/wiring`;

/** Before anything is changed there: a start may be killed at any moment, and an ingress says nothing of whose it is before it has a filter. */
export function beginWiring(root: string, container: Container): void {
  if (container.givenNetns) writeText(place(root, container), "");
}

export const hasBegunWiring = (root: string, container: Container): boolean => exists(place(root, container));
