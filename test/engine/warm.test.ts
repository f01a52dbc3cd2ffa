/** Warm starts under Docker: what an engine makes anew for each container keeps none from going on from another. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import test, { type ExecutionContext } from "ava";
import {
  docker,
  endpoint,
  eventually,
  httpGet,
  makeNetwork,
  probeImage,
  succeed,
  unikrun,
  uniqueName,
} from "./harness.ts";

/** An image whose guest may be kept once it listens on port 80. */
function warmImage(t: ExecutionContext): string {
  const name = uniqueName("warm");
  const folder = mkdtempSync(`${tmpdir()}/unikrun-image-`);
  writeFileSync(
    `${folder}/Dockerfile`,
    `FROM ${probeImage()}\nCOPY unikrun.json page /data/\nCOPY unikrun.json /\n`,
  );
  writeFileSync(`${folder}/unikrun.json`, JSON.stringify({ warm: 80 }));
  writeFileSync(`${folder}/page`, name);
  succeed(["docker", "build", "-q", "-t", name, folder]);
  rmSync(folder, { recursive: true });
  t.teardown(() => {
    docker("rmi", "-f", name);
    succeed([unikrun, "templates", "--remove"]);
  });
  return name;
}

const templates = (): string[] => succeed([unikrun, "templates"]).split("\n").filter(Boolean);

/** Those that keep a guest. */
const keepers = (): string[] =>
  readdirSync("/proc").filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("templates\0--keep");
    } catch {
      return false;
    }
  });

for (const place of ["the default network", "a network with names"])
  test.serial(`on ${place} the second container of an image goes on from the first`, async (t) => {
    const image = warmImage(t);
    const network = place === "the default network" ? "bridge" : makeNetwork(t);
    const start = (...options: readonly string[]) => {
      const name = uniqueName("warm");
      t.teardown(() => docker("rm", "-f", name));
      succeed([
        "docker",
        "run",
        "-d",
        "--runtime=unikrun",
        "--network",
        network,
        // The probe's kernel can't be told another name.
        "--hostname",
        "same",
        "--name",
        name,
        ...options,
        image,
      ]);
      return name;
    };
    const page = async (name: string) =>
      httpGet(`http://${endpoint(name, network).IPAddress}/file?path=/data/page`);
    const first = start();
    t.is(await page(first), image);
    t.regex(docker("logs", first).stdout, /main\(\)/);
    await eventually("the template", () => templates().length === 1 || undefined);
    succeed(["docker", "rm", "-f", first]);
    const second = start();
    t.is(await page(second), image);
    t.notRegex(docker("logs", second).stdout, /main\(\)/);
    succeed(["docker", "rm", "-f", second]);
    const third = start("-e", "A=1");
    t.is(await page(third), image);
    t.regex(docker("logs", third).stdout, /main\(\)/, "it was told something else");
    succeed(["docker", "rm", "-f", third]);
    await eventually("the end of those that keep guests", () => keepers().length === 0 || undefined);
  });
