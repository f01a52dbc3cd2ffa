/** Parts of init, compiled into a program of a test's own. */
import { resolve } from "node:path";

const INIT = resolve(import.meta.dirname, "../../native/init");
/** The second is where words.h is made. */
const INCLUDE = ["-I", INIT, "-I", resolve(import.meta.dirname, "../../build")];

/** `parts` are files of native/init without their ending, `sanitized` whether it ends at the first wrong access. */
export function compileInit(options: {
  readonly program: string;
  readonly source: string;
  readonly parts: readonly string[];
  readonly sanitized: boolean;
}): void {
  const { program, source, parts, sanitized } = options;
  const { exitCode, stderr } = Bun.spawnSync(
    [
      ...["gcc", "-std=gnu11", ...INCLUDE, ...(sanitized ? ["-fsanitize=address,undefined"] : [])],
      ...["-o", program, source, ...parts.map((part) => `${INIT}/${part}.c`)],
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  if (exitCode !== 0) throw new Error(stderr.toString());
}
