import { version } from "../../package.json";
import { SPEC_VERSION } from "../container/spec/oci.ts";
import { print } from "./print.ts";

/** Engines read the first line only if it begins with "runc version "; the last lines say what this really is. */
export function showVersion(): void {
  print(
    [
      `runc version ${version}+unikrun`,
      `commit: unikrun-${version}`,
      `spec: ${SPEC_VERSION}`,
      `unikrun: ${version} (not runc: an OCI runtime for unikernels; line 1 is what engines look for)`,
    ].join("\n"),
  );
}
