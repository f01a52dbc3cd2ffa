import { isTerminal } from "../../native/process.ts";
import { hostSettings } from "../container/settings/host.ts";
import { type AllBroughtBack, bringBackAll } from "../disk/volumes.ts";
import { UnikrunError } from "../error.ts";
import { storeFolder } from "../places.ts";
import { print } from "./print.ts";
import { type Verb, wantsJson } from "./verb.ts";

export const run: Verb = async (call) => {
  const { args, flags } = call;
  if (isTerminal(2)) (await import("../progress-bar.ts")).showBar();
  const all = bringBackAll(flags.string("store") ?? storeFolder((await hostSettings()).store), args);
  if (wantsJson(call)) print(JSON.stringify(all, null, 2));
  else for (const line of linesOf(all)) print(line);
  if (all.failures.length > 0)
    throw new UnikrunError(
      `What guests wrote could not be brought back everywhere: ${all.failures.join("; ")}`,
    );
};

const OUTCOMES = {
  "brought back": (who: string) => `what ${who} wrote has been brought back`,
  "in order": (who: string) => `has all that ${who} wrote`,
  "in use": (who: string) => `is being written by ${who}`,
};

function linesOf({ volumes, removed, failures }: AllBroughtBack): string[] {
  const lines = [
    ...volumes.map(
      ({ folder, container, outcome }) =>
        `${folder}: ${container === undefined ? "no guest has written it" : OUTCOMES[outcome](`the guest of container ${container}`)}.`,
    ),
    ...removed.map((folder) => `${folder} is gone, and its disk has been removed.`),
  ];
  return lines.length > 0 || failures.length > 0 ? lines : ["No volume lacks anything that a guest wrote."];
}
