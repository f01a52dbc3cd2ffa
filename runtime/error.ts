/**
 * The one error of this project: its message is a whole sentence for the person
 * who ran the command (what failed, on which object, what to do about it).
 * What lies beneath goes to `cause` and is printed once, at the edge.
 */
export class UnikrunError extends Error {
  override name = "UnikrunError";
}

/** The words of an unknown thrown value, for use inside a sentence. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
