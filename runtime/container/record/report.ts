import type { Container } from "./container.ts";
import { pidOf, type Status, statusOf } from "./status.ts";

/** What `state` and `list` say of a container; the fields are runc's. */
export interface Report {
  readonly ociVersion: string;
  readonly id: string;
  /** 0 for a stopped container. */
  readonly pid: number;
  readonly status: string;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly owner: string;
}

export const containerReport = (root: string, container: Container): Report =>
  reportOf(container, statusOf(root, container));

export function reportOf(container: Container, status: Status): Report {
  return {
    ociVersion: container.ociVersion,
    id: container.id,
    pid: pidOf(container, status),
    status,
    bundle: container.bundle,
    rootfs: container.rootfs,
    created: container.created,
    annotations: container.annotations,
    owner: "",
  };
}
