/**
 * Work that may take long says how far it is: nothing for the first seconds, then now and then, to whoever shows it. It gives way to
 * nothing else in this process, so there is one at a time, and what is told of it is told at once.
 */
import { partOf } from "./amount.ts";
import { inform } from "./log.ts";

export interface Display {
  /** Milliseconds between two calls. */
  readonly pause: number;
  /** Bytes of how many are done; `isLast` where no more is to come of this work. */
  show(work: { what: string; done: number; total: number; isLast: boolean }): void;
  /** A sentence of what is waited for. */
  say(words: string): void;
}

/** For those that are told in lines. */
export const linesTo = (say: (words: string) => void): Display => ({
  pause: 5000,
  say,
  show: ({ what, done, total }) => say(`${what}: ${partOf(done, total)}.`),
});

let display = linesTo(inform);

/** From now on, in place of lines in the log. */
export function showProgressBy(other: Display): void {
  display = other;
}

/** What is done sooner is not worth a word. */
const FIRST = 3000;

let current: Work | null = null;

/** `what` is a clause such as "making the disk of /data"; `total` is asked for only where it is told. */
export function beginWork(what: string, total: () => number): Disposable {
  const above = current;
  const work = new Work(what, total);
  current = work;
  return {
    [Symbol.dispose]() {
      work.end();
      current = above;
    },
  };
}

/** So many bytes of the work that is being done, if any, are done. */
export const advance = (bytes: number): void => current?.advance(bytes);

/** It is so many bytes more than was thought. */
export const extend = (bytes: number): void => current?.extend(bytes);

class Work {
  readonly #what: string;
  readonly #askTotal: () => number;
  #total: number | undefined;
  #more = 0;
  #done = 0;
  #next = performance.now() + FIRST;

  constructor(what: string, total: () => number) {
    this.#what = what;
    this.#askTotal = total;
  }

  advance(bytes: number): void {
    this.#done += bytes;
    if (performance.now() < this.#next) return;
    this.#show(false);
    this.#next = performance.now() + display.pause;
  }

  extend(bytes: number): void {
    this.#more += bytes;
  }

  end(): void {
    if (this.#total !== undefined) this.#show(true);
  }

  #show(isLast: boolean): void {
    this.#total ??= this.#askTotal();
    const total = this.#total + this.#more;
    display.show({ what: this.#what, done: Math.min(this.#done, total), total, isLast });
  }
}

/** Tries for `patience` milliseconds by `attempt`, and says what is waited for where that is not soon. */
export function waitTelling(
  words: string,
  patience: number,
  attempt: (patience: number) => boolean,
): boolean {
  if (attempt(Math.min(FIRST, patience))) return true;
  display.say(words);
  return attempt(patience - FIRST);
}
