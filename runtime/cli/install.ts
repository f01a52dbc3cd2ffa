import { chooseEngines, type EngineName } from "../host/engines.ts";
import { carryOut, diffOf, planInstall } from "../host/register.ts";
import { checkProgram, wantedRegistration } from "../host/wanted.ts";
import { print } from "./print.ts";
import type { Verb } from "./verb.ts";

export const run: Verb = ({ args, flags }) => {
  const { root, name, binary } = wantedRegistration({
    name: flags.string("name"),
    binary: flags.string("binary"),
    prefix: flags.string("prefix"),
  });
  const isRehearsal = flags.boolean("dry-run");
  if (!isRehearsal) checkProgram(root, binary);
  const changes = chooseEngines(root, args).map((engine) => planInstall(root, engine, { name, binary }));
  for (const change of changes) {
    if (isRehearsal) {
      print(diffOf(change) || change.words);
    } else {
      carryOut(root, change);
      print(change.words);
    }
    if (change.warning) print(`  ${change.warning}`);
  }
  if (isRehearsal) return print("Nothing was changed (--dry-run).");
  if (root !== "") return;
  for (const { engine, before, after } of changes)
    if (before !== after) print(`Next, for ${engine}: ${NEXT[engine](name)}`);
};

/** dockerd reads its runtimes again on SIGHUP, which is what reload sends. */
const NEXT: Readonly<Record<EngineName, (name: string) => string>> = {
  docker: (name) =>
    `systemctl reload docker (containers go on running), then docker run --runtime=${name} IMAGE`,
  containerd: (name) =>
    `systemctl restart containerd (containers go on running); in Kubernetes, a RuntimeClass with handler: ${name}`,
  podman: (name) => `nothing to reload: podman run --runtime=${name} IMAGE`,
};
