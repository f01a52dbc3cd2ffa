/** `scripts/with-docker bun save-node-images.ts IMAGE ARCHIVE`: what a node of the tests that is elsewhere imports. */
import { probeImage, succeed } from "../harness.ts";
import { pauseImage } from "./node-files.ts";
import { buildNodeImage } from "./node-image.ts";

const [image = "", archive = ""] = process.argv.slice(2);
buildNodeImage(image);
succeed(["docker", "save", "-o", archive, image, probeImage(), pauseImage()]);
