/** What a configuration file of an engine must be able to do, as text: the files themselves are register.ts's business. */

export interface Registration {
  /** What a user says: `--runtime NAME`. */
  readonly name: string;
  /** Absolute path of the program. */
  readonly binary: string;
}

/** A runtime that a file knows. */
export interface Entry {
  readonly name: string;
  /** Null where the entry names no program. */
  readonly binary: string | null;
  /** Put there by us, as the marks around it say; null in a format without marks. */
  readonly isOurs: boolean | null;
}

/** `file` is its name, for errors: each of these throws UnikrunError for a text that is not valid. */
export interface ConfigFormat {
  /** All runtimes that the text names. */
  list(text: string, file: string): readonly Entry[];
  /** A null text is a file that does not exist. The name is not in it. */
  add(text: string | null, file: string, registration: Registration): string;
  /** The name is in it, put there by us, with the program `from`: that becomes `binary`, if it stands there as `add` writes it. */
  lead(text: string, file: string, change: Registration & { readonly from: string }): string;
  /** The name is in it. `original` is the text from before it was, where that is known. */
  remove(text: string, file: string, name: string, original: string | null): string;
  /** Whether what is left says nothing at all. */
  isEmpty(text: string): boolean;
}
