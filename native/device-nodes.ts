/** Device nodes for a user namespace, in which nobody can make any (user_namespaces(7)). */
import { copyLabel } from "./attributes.ts";
import { statusOfFile } from "./files.ts";
import { type Descriptor, O_PATH, openPath, owned } from "./libc.ts";
import { MOUNT_NO_EXEC, MOUNT_NO_SUID, openNewMount } from "./new-mount.ts";
import { makeDeviceIn, setOwnerIn } from "./tree-writes.ts";

/**
 * A file system in memory, to be mounted there, with nodes of those devices of the host (as in "/dev/null") by their last names. They are
 * `owner`'s alone, an id of the host's, so it does not matter who may use the host's. Throws an Error with `code`.
 */
export function openDeviceNodes(devices: readonly string[], owner: number): Descriptor {
  using opened = new DisposableStack();
  const folder = opened.use(openNewMount("tmpfs", { mode: "0755" }, MOUNT_NO_SUID | MOUNT_NO_EXEC));
  for (const device of devices) {
    using source = owned(openPath(device, O_PATH));
    const name = device.slice(device.lastIndexOf("/") + 1);
    const [major = 0, minor = 0] = statusOfFile(source.fd).node.split(":").map(Number);
    makeDeviceIn(folder.fd, name, { major, minor });
    copyLabel(device, `/proc/self/fd/${folder.fd}/${name}`);
    setOwnerIn(folder.fd, name, { uid: owner, gid: owner });
  }
  opened.move();
  return folder;
}
