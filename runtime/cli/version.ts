import { commit } from "../../build/revision.json";
import { version } from "../../package.json";
import { VERSION_LINE } from "../container/engines/words.ts";
import { SPEC_VERSION } from "../container/spec/oci.ts";
import { print } from "./print.ts";
import { type Verb, wantsJson } from "./verb.ts";

export const ownVersion = (): string => `${version}, commit ${commit}`;

export const run: Verb = (call) =>
  wantsJson(call) ? print(JSON.stringify({ version, commit, spec: SPEC_VERSION }, null, 2)) : showVersion();

/** The first line is for engines; the last lines say what this really is. */
export function showVersion(): void {
  print(
    [
      `${VERSION_LINE} ${version}+unikrun`,
      `commit: ${commit}`,
      `spec: ${SPEC_VERSION}`,
      `unikrun: ${version} (not runc: an OCI runtime for unikernels; line 1 is what engines look for)`,
    ].join("\n"),
  );
}
