import { type Status, statusOfFile, statusOrNull } from "../../../native/files.ts";
import type { WriterOf } from "../../disk/host-image.ts";
import { podTitle } from "../engines/pod-title.ts";
import { isAlive } from "./alive.ts";
import type { Container } from "./container.ts";
import { keptDisk, readMachine } from "./machine.ts";
import { listContainers } from "./store.ts";

/** Of an engine's containers, by what their inits hold: those of another engine are in another folder. */
export const writerAmong =
  (root: string): WriterOf =>
  (disk) => {
    const wanted = statusOfFile(disk);
    const writer = listContainers(root).containers.find(
      (container) => isAlive(container) && writes(root, container, wanted),
    );
    return writer && { containerId: writer.id, title: podTitle(writer.annotations) };
  };

const writes = (root: string, container: Container, wanted: Status): boolean =>
  (readMachine(root, container.id)?.disks ?? []).some(({ kind, readOnly }, index) => {
    if (kind !== "host" || readOnly) return false;
    const held = statusOrNull(keptDisk(container, index));
    return held?.inode === wanted.inode && held.device === wanted.device;
  });
