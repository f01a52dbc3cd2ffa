/** What init makes of a plan with a word that is not of that plan, in a program as it is shipped. */
import { resolve } from "node:path";
import test from "ava";
import { readAt } from "../../native/files.ts";
import { plans } from "../../native/init/words.json";
import { owned } from "../../native/libc.ts";
import { memoryFile } from "../../native/process.ts";

const init = resolve(import.meta.dirname, "../../build/init");

/** The answer of `init TASK`. */
function told(task: string, ...words: readonly string[]): string {
  using orders = owned(memoryFile("directives", Buffer.from(words.map((word) => `${word}\0\0`).join(""))));
  using answer = owned(memoryFile("answer", new Uint8Array()));
  Bun.spawnSync([init, task], { stdio: ["ignore", "ignore", "ignore", orders.fd, answer.fd] });
  return readAt(answer.fd, 0, 2048).toString();
}

const refusal = (word: string): string =>
  `error its init does not know the directive "${word}": create the container anew if unikrun was replaced meanwhile`;

for (const [task, own, anothers] of [
  ["create", "hostname", "argument"],
  ["exec", "timeout", "ask"],
  ["trial", "argument", "tool"],
  ["check", "argument", "tool"],
] as const) {
  test(`init ${task} refuses a misspelt directive, and one of another plan`, (t) => {
    t.is(told(task, own, "hostnane"), refusal("hostnane"));
    t.is(told(task, own, anothers), refusal(anothers));
    t.is(told(task, own, "x".repeat(1000)), refusal("x".repeat(64)));
  });
}

test("init knows all of its words, from the first to the last", (t) => {
  const unknown = (task: string, words: object): string[] =>
    Object.keys(words).filter((word) => told(task, word, "?") !== refusal("?"));
  t.deepEqual(unknown("create", plans.create), []);
  t.deepEqual(unknown("exec", plans.exec), []);
  t.deepEqual(unknown("trial", { ...plans.board, ...plans.trial }), []);
  t.deepEqual(unknown("check", { ...plans.board, ...plans.check }), []);
});
