/** The unikernels of all of a host's engines, for people, who do not know where an engine keeps its records. */
import type { Container } from "../container/record/container.ts";
import { listContainers } from "../container/record/store.ts";
import { UnikrunError } from "../error.ts";
import { nameOf } from "./container-names.ts";
import { engineOf, stateRoots } from "./state-roots.ts";

export interface FoundContainer {
  /** As in --root. */
  readonly root: string;
  readonly container: Container;
  readonly name: string;
  readonly engine: string;
}

/** `damaged`: a sentence for each whose record can't be read. */
export function findContainers(roots = stateRoots()): {
  readonly found: readonly FoundContainer[];
  readonly damaged: readonly string[];
} {
  const lists = roots.map((root) => ({ root, ...listContainers(root.folder) }));
  return {
    found: lists.flatMap(({ root, containers }) =>
      containers.map((container) => ({
        root: root.folder,
        container,
        name: nameOf(container),
        engine: engineOf(root, container),
      })),
    ),
    damaged: lists.flatMap(({ damaged }) => damaged),
  };
}

/** The one with that id or name, else the one whose id begins so. Throws UnikrunError where there is none, or several. */
export function findContainer(word: string): FoundContainer {
  const { found } = findContainers();
  const exact = found.filter(({ container, name }) => container.id === word || name === word);
  const matches = exact.length > 0 ? exact : found.filter(({ container }) => container.id.startsWith(word));
  const [match, ...others] = matches;
  if (!match)
    throw new UnikrunError(
      `No unikernel's container is called ${JSON.stringify(word)} here: see unikrun list, and of one that has ended its engine (docker ps --all).`,
    );
  if (others.length === 0) return match;
  const all = matches.map(({ container, engine }) => `${container.id} (${engine})`).join(", ");
  throw new UnikrunError(`Several containers are called ${word}: ${all}. Give more of the id.`);
}
