/** The second file that some families boot with. */
import { UnikrunError } from "../../error.ts";
import type { GuestFamily } from "../../guest/guest.ts";
import type { GuestSettings } from "../settings/guest.ts";
import { openImageFile } from "./image-file.ts";

/** The first of the usual places, if nobody named one. Throws UnikrunError where it is not there, and has to be. */
export function companionOf(options: {
  id: string;
  /** Of the paths. */
  root: string;
  family: GuestFamily;
  settings: GuestSettings;
  /** Of config-vm.md. */
  initrd: string | undefined;
}): string | undefined {
  const { id, root, family, settings, initrd } = options;
  const { companion } = family;
  const [unused] = (["initrd", "loader"] as const).filter(
    (name) =>
      name !== companion?.role && (settings[name] ?? (name === "initrd" ? initrd : undefined)) !== undefined,
  );
  if (unused)
    throw new UnikrunError(
      `Container ${id}: a ${family.name} guest takes no ${unused}: take "${unused}" out of its settings.`,
    );
  if (!companion) return undefined;
  const { role, places, required } = companion;
  const named = settings[role] ?? (role === "initrd" ? initrd : undefined);
  const found = (named === undefined ? places : [named]).find((path) => {
    using file = openImageFile(root, path);
    return file !== null;
  });
  if (found !== undefined || (named === undefined && !required)) return found;
  throw new UnikrunError(
    named === undefined
      ? `Container ${id}: a ${family.name} guest boots by a ${role}, and the image has none of ${places.join(", ")}: put one there, or name it by "${role}" in /unikrun.json.`
      : `Container ${id}: the ${role} ${named} is not there: see "${role}" in its settings.`,
  );
}
