import { openImageFile, readImageText } from "../container/bundle/image-file.ts";
import { IMAGE_SETTINGS, imageSettings } from "../container/settings/guest.ts";
import { UnikrunError } from "../error.ts";
import { inspect, inspectionText } from "../guest/inspect.ts";
import { print } from "./print.ts";
import type { Verb } from "./verb.ts";

/** The exit code is 1 for what can't be booted. */
export const run: Verb = async ({ flags, args }) => {
  const image = flags.string("image");
  const path = args[0] ?? (image === undefined ? undefined : await kernelOf(image));
  if (path === undefined)
    throw new UnikrunError(
      image === undefined
        ? "unikrun inspect needs FILE, or --image DIR: name the file to look at."
        : `unikrun inspect --image ${image} needs FILE, a path in it: the image's /unikrun.json names no kernel.`,
    );
  const [root, place] = image === undefined ? ["/", absolute(path)] : [image, path];
  using file = openImageFile(root, place);
  if (!file)
    throw new UnikrunError(
      `There is no regular file ${path}${image === undefined ? "" : ` in the image ${image}`} to look at.`,
    );
  const inspection = inspect({ ...file, path });
  print(flags.boolean("json") ? JSON.stringify(inspection, null, 2) : inspectionText(inspection));
  return inspection.kind === "guest" ? 0 : 1;
};

async function kernelOf(image: string): Promise<string | undefined> {
  const text = readImageText(image, IMAGE_SETTINGS);
  return text === null ? undefined : (await imageSettings(text, `${IMAGE_SETTINGS} of the image`)).kernel;
}

const absolute = (path: string): string => (path.startsWith("/") ? path : `${process.cwd()}/${path}`);
