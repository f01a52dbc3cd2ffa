import { UnikrunError } from "../../error.ts";

/** The rule is runc's: letters, digits, `_`, `+`, `-` and `.`, but not "." or "..". */
export const isId = (id: string): boolean => /^[\w+.-]{1,255}$/.test(id) && id !== "." && id !== "..";

export function checkId(id: string): void {
  if (isId(id)) return;
  throw new UnikrunError(
    `The container id ${JSON.stringify(id)} is not valid: it takes 1 to 255 letters, digits and the characters _ + - . only.`,
  );
}
