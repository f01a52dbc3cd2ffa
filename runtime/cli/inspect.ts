import { openImageFile, readImageText } from "../container/bundle/image-file.ts";
import { IMAGE_SETTINGS, imageSettings } from "../container/settings/guest.ts";
import { UnikrunError } from "../error.ts";
import { type Inspection, inspect, inspectionText } from "../guest/inspect.ts";
import { print } from "./print.ts";
import type { Call, Verb } from "./verb.ts";

/** The exit code is 1 for what can't be booted. */
export const run: Verb = async (call) => {
  const { flags, args } = call;
  const image = flags.string("image");
  const path = args[0] ?? (image === undefined ? undefined : await kernelOf(image));
  if (path === undefined)
    throw new UnikrunError(
      image === undefined
        ? "unikrun inspect needs FILE or ID, or --image DIR: name the file or the container to look at."
        : `unikrun inspect --image ${image} needs FILE, a path in it: the image's /unikrun.json names no kernel.`,
    );
  const inspection = image === undefined ? inspectFile("/", absolute(path), path) : inspectFile(image, path);
  if (!inspection && image === undefined && !path.includes("/")) return inspectContainer(call);
  if (!inspection)
    throw new UnikrunError(
      `There is no regular file ${path}${image === undefined ? "" : ` in the image ${image}`} to look at.`,
    );
  print(flags.boolean("json") ? JSON.stringify(inspection, null, 2) : inspectionText(inspection));
  return inspection.kind === "guest" ? 0 : 1;
};

/** Null where there is no such file. `shown` is what it is called. */
function inspectFile(root: string, path: string, shown = path): Inspection | null {
  using file = openImageFile(root, path);
  return file && inspect({ ...file, path: shown });
}

/** Of one whose image is not mounted any more, what its record has. */
async function inspectContainer(call: Call): Promise<number> {
  const [{ chosenContainer }, { statusText }, { statusFacts }] = await Promise.all([
    import("./chosen-container.ts"),
    import("../container/exec/describe.ts"),
    import("../container/observe/status-facts.ts"),
  ]);
  const { root, container } = chosenContainer(call);
  const { bundle, rootfs, guest } = container;
  const file = inspectFile(guest.kernelOnHost ? "/" : rootfs, guest.kernel);
  if (call.flags.boolean("json")) {
    print(JSON.stringify({ ...statusFacts(root, container), root, bundle, file }, null, 2));
    return 0;
  }
  const status = statusText(root, container, false);
  print(`${status}\n${file ? inspectionText(file) : `There is no file ${guest.kernel} any more.`}`);
  return 0;
}

async function kernelOf(image: string): Promise<string | undefined> {
  const text = readImageText(image, IMAGE_SETTINGS);
  return text === null ? undefined : (await imageSettings(text, `${IMAGE_SETTINGS} of the image`)).kernel;
}

const absolute = (path: string): string => (path.startsWith("/") ? path : `${process.cwd()}/${path}`);
