/** A container's log is its engine's, which is asked by its own client. */
import { callersWords, restoreProcess } from "../../native/caller.ts";
import { execute } from "../../native/process.ts";
import { UnikrunError } from "../error.ts";
import { findProgram } from "../host/engines.ts";
import { findContainer } from "../host/found-containers.ts";
import type { Verb } from "./verb.ts";

const CLIENTS: Readonly<Record<string, string>> = {
  docker: "docker",
  podman: "podman",
  kubernetes: "crictl",
};

export const run: Verb = ({ args: [word = ""], flags }) => {
  const { container, engine } = findContainer(word);
  const client = CLIENTS[engine];
  if (client === undefined)
    throw new UnikrunError(
      `The log of container ${container.id} is with whoever created it (${engine}): its guest prints to the stdout of its create.`,
    );
  const program = findProgram("", client);
  if (program === null)
    throw new UnikrunError(
      `The log of container ${container.id} is ${engine}'s, and there is no ${client} here to ask it with: install it.`,
    );
  const tail = flags.string("tail");
  const options = [
    ...(flags.boolean("follow") ? ["--follow"] : []),
    ...(tail === undefined ? [] : ["--tail", tail]),
  ];
  const words = [program, "logs", ...options, container.id];
  const { environment } = callersWords();
  restoreProcess();
  execute(
    program,
    words.map((each) => Buffer.from(each)),
    environment,
  );
};
