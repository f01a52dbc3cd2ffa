import { UnikrunError } from "../error.ts";
import { type FoundContainer, findContainer } from "../host/found-containers.ts";
import { type Call, ownContainer } from "./verb.ts";

/**
 * What a verb for people is about: by name or the beginning of the id, of any engine; with --root it is the id in that folder. Engines'
 * verbs never look so, lest a container of another's is meant.
 */
export function chosenContainer(call: Call): Pick<FoundContainer, "root" | "container"> {
  const [word = ""] = call.args;
  if (!call.rootGiven) return findContainer(word);
  const container = ownContainer(call);
  if (container) return { root: call.root, container };
  throw new UnikrunError(`Container ${word} is no unikernel: ask its engine, or runc state, of it.`);
}
