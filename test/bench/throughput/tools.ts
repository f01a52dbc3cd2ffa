/** The bench's own programs in C, and an image of them. */
import { mkdirSync, writeFileSync } from "node:fs";
import { succeed } from "../../engine/harness.ts";

export interface Tools {
  /** The path of traffic.c's program. */
  readonly traffic: string;
  /** An image with "/traffic", its entrypoint, and "/disk-speed". */
  readonly image: string;
}

export function makeTools(folder: string): Tools {
  const context = `${folder}/tools`;
  mkdirSync(context);
  // Static, since the image has nothing else.
  for (const name of ["traffic", "disk-speed"]) {
    const source = `${import.meta.dirname}/${name}.c`;
    succeed(["gcc", "-std=gnu11", "-O2", "-static", "-s", "-o", `${context}/${name}`, source]);
  }
  writeFileSync(`${context}/Dockerfile`, 'FROM scratch\nCOPY . /\nENTRYPOINT ["/traffic"]\n');
  succeed(["docker", "build", "-q", "-t", "bench-tools", context]);
  return { traffic: `${context}/traffic`, image: "bench-tools" };
}
