/** Folders laid over one another (overlay), to be read only. */
import type { Descriptor } from "./libc.ts";
import { openDetached } from "./mounts.ts";
import {
  MOUNT_NO_DEVICES,
  MOUNT_NO_EXEC,
  MOUNT_NO_SUID,
  MOUNT_READ_ONLY,
  openNewMount,
} from "./new-mount.ts";
import { openRoot } from "./tree-files.ts";

/** A mount of its own of these folders, the uppermost first. Throws an Error with `code`. */
export function openOverlay(layers: readonly string[]): Descriptor {
  const [only = ""] = layers;
  if (layers.length < 2) return openDetached(only, { recursive: true });
  using opened = new DisposableStack();
  // The kernel takes 256 bytes here, and a path may have a colon.
  const folders = layers.map((layer) => `/proc/self/fd/${opened.use(openRoot(layer)).fd}`);
  return openNewMount(
    "overlay",
    { lowerdir: folders.join(":") },
    MOUNT_READ_ONLY | MOUNT_NO_SUID | MOUNT_NO_DEVICES | MOUNT_NO_EXEC,
  );
}
