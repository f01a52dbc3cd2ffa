/** Programs that stand at cgroups of version 2 (bpf(2); cgroup-v2.rst, Device controller). */
import { ptr } from "bun:ffi";
import { bpf } from "./bpf.ts";
import { type Descriptor, errorCode, O_RDONLY, openPath, owned } from "./libc.ts";

const CGROUP_DEVICE = 6;
/** Programs of the cgroups above stay in force beside it, and those below may have their own. */
const ALLOW_MULTI = 2;
const COMMANDS = { attach: 8, detach: 9, descriptorOf: 13, query: 16 } as const;

/** The program alone says which devices the cgroup's processes may open and make, as far as the cgroups above allow. Throws an Error with `code`. */
export function attachDeviceProgram(folder: string, program: Descriptor): void {
  using cgroup = owned(openPath(folder, O_RDONLY));
  const earlier = attachedPrograms(cgroup);
  command("attach", [cgroup.fd, program.fd, CGROUP_DEVICE, ALLOW_MULTI]);
  for (const id of earlier) detach(cgroup, id);
}

/** Their numbers; a cgroup has 64 at most. */
function attachedPrograms(cgroup: Descriptor): number[] {
  const MOST = 64;
  const ids = new Uint32Array(MOST);
  const attributes = attributesOf([cgroup.fd, CGROUP_DEVICE]);
  attributes.writeBigUInt64LE(BigInt(ptr(ids)), 16);
  attributes.writeUInt32LE(MOST, 24);
  bpf(COMMANDS.query, attributes);
  return [...ids.subarray(0, attributes.readUInt32LE(24))];
}

function detach(cgroup: Descriptor, id: number): void {
  try {
    using program = owned(command("descriptorOf", [id]));
    command("detach", [cgroup.fd, program.fd, CGROUP_DEVICE]);
  } catch (error) {
    // Somebody else's that we may not touch can only deny more.
    if (!["EPERM", "EACCES", "ENOENT"].includes(errorCode(error))) throw error;
  }
}

const command = (name: keyof typeof COMMANDS, fields: readonly number[]): number =>
  bpf(COMMANDS[name], attributesOf(fields));

/** union bpf_attr, whole, since kernels before 7.2 write to its end. */
function attributesOf(fields: readonly number[]): Buffer {
  const attributes = Buffer.alloc(128);
  fields.forEach((field, index) => void attributes.writeUInt32LE(field, 4 * index));
  return attributes;
}
