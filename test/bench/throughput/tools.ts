/** An image of what stands at a guest's other end, and in its place. */
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { succeed } from "../../engine/harness.ts";
import { programPath } from "../programs.ts";

/** It has "/traffic", its entrypoint, and "/disk-speed". */
export function toolsImage(folder: string): string {
  const context = `${folder}/tools`;
  mkdirSync(context);
  for (const name of ["traffic", "disk-speed"] as const) cpSync(programPath(name), `${context}/${name}`);
  writeFileSync(`${context}/Dockerfile`, 'FROM scratch\nCOPY . /\nENTRYPOINT ["/traffic"]\n');
  succeed(["docker", "build", "-q", "-t", "bench-tools", context]);
  return "bench-tools";
}
