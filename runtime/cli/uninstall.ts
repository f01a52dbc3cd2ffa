import { chooseEngines, type EngineName } from "../host/engines.ts";
import { carryOut, diffOf, planUninstall } from "../host/register.ts";
import { wantedRegistration } from "../host/wanted.ts";
import { print } from "./print.ts";
import type { Verb } from "./verb.ts";

export const run: Verb = ({ args, flags }) => {
  const { root, name, binary } = wantedRegistration({
    name: flags.string("name"),
    binary: flags.string("binary"),
    prefix: flags.string("prefix"),
  });
  const isRehearsal = flags.boolean("dry-run");
  const changes = chooseEngines(root, args).map((engine) => planUninstall(root, engine, { name, binary }));
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
    if (before !== after) print(`Next, for ${engine}: ${NEXT[engine]}`);
};

const NEXT: Readonly<Record<EngineName, string>> = {
  docker: "docker rm the containers that use it, then systemctl reload docker",
  containerd: "delete the pods that use it, then systemctl restart containerd",
  podman: "podman rm the containers that use it",
};
