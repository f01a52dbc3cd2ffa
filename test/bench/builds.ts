/** The builds of ours that are measured. */
import { existsSync } from "node:fs";
import { resolve } from "node:path";

/** What of ours there is: "against" is another build. */
export type Build = "unikrun" | "against";

export const buildsOf = ({ against }: { readonly against?: string | undefined }): Build[] =>
  against === undefined ? ["unikrun"] : ["unikrun", "against"];

/** Of the row for what a build runs. */
export const nameWith = (build: Build, what: string): string =>
  build === "unikrun" ? what : `${what}, against`;

/** The runtime of another build of ours, whose folder is named. */
export function binaryOf(build: string): string {
  const binary = resolve(build, "dist/unikrun");
  if (!existsSync(binary)) throw new Error(`${binary} is missing: --against wants the folder of a build`);
  return binary;
}
