/** Mounts of the type overlay: Podman's `:O` and its images as volumes. */
import { UnikrunError } from "../../error.ts";

export interface Overlay {
  /** Folders of the host, the uppermost first. */
  readonly layers: readonly string[];
  readonly isWritable: boolean;
}

/**
 * What the guest writes is gone with its machine, as the engine's own upper folder is with its container, which has the container's id
 * in its path. Throws UnikrunError for another upper folder, which is there to be kept.
 */
export function overlayOf(id: string, destination: string, options: readonly string[]): Overlay {
  const value = (name: string): string | undefined =>
    options.findLast((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
  const lower = foldersOf(value("lowerdir") ?? "");
  const upper = value("upperdir");
  if (lower.length === 0)
    throw new UnikrunError(
      `Container ${id}: its overlay ${destination} has no lower folder (lowerdir): name the folder that it is of.`,
    );
  if (upper === undefined) return { layers: lower, isWritable: false };
  if (!upper.includes(`/${id}/`))
    throw new UnikrunError(
      `Container ${id}: what its guest writes into the overlay ${destination} can't be kept in ${upper}: leave upperdir out, or mount a volume.`,
    );
  return { layers: [upper, ...lower], isWritable: true };
}

/** They are divided by colons; one in a path has a backslash before it. */
const foldersOf = (text: string): string[] =>
  text.split(/(?<!\\):/).flatMap((path) => (path === "" ? [] : [path.replace(/\\([\\:])/g, "$1")]));
