/** Files and folders of the host that a container was given. */
import type { IdMaps } from "../../native/user-namespace.ts";

export interface HostSource {
  /** As its config.json names it. */
  readonly name: string;
  /** What to open: a descriptor that is held for the container (/proc/PID/fd/N), or a path. */
  readonly at: string;
  /** A path that lasts, for what is to be done when nobody holds it any more. */
  readonly home: string;
  /** With what is mounted below it. */
  readonly recursive: boolean;
  /** Inside the guest's ids of its files' owners, outside the file system's, where they are not the same. */
  readonly maps?: IdMaps | undefined;
}

/** By a path alone, as whoever asks for it means it. */
export const pathSource = (path: string): HostSource => ({
  name: path,
  at: path,
  home: path,
  recursive: true,
});
