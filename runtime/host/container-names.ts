/** What people call a container: its record has the engine's id only, the names are the engine's own. */
import { podNames } from "../container/engines/pod-title.ts";
import type { Container } from "../container/record/container.ts";
import { dockerFolder, readParsed } from "./engine-files.ts";

/** The id where no other name is known. */
export function nameOf(container: Container): string {
  const pod = podNames(container.annotations);
  if (pod) return `${pod.pod}/${pod.container}`;
  const name =
    container.annotations["nerdctl/name"] ?? dockerName(container) ?? podmanName(container) ?? container.id;
  return /^[\w.+-]{1,255}$/.test(name) ? name : container.id;
}

/** Docker keeps it beside the files that it mounts on /etc/hosts and the like. */
function dockerName({ id, guest }: Container): string | undefined {
  const place = `/containers/${id}/`;
  const source = guest.mounts.map((mount) => mount.source).find((path) => path?.includes(place));
  const folder = source?.slice(0, source.indexOf(place)) ?? dockerFolder("data-root");
  const settings = readParsed(`${folder}${place}config.v2.json`) as { Name?: string } | null;
  return settings?.Name?.replace(/^\//, "");
}

/** containers/storage lists all of them, those that go when they end apart; the bundle is one's folder there. */
function podmanName({ id, bundle }: Container): string | undefined {
  const storage = bundle.replace(`/${id}/userdata`, "");
  if (storage === bundle) return undefined;
  for (const file of ["containers.json", "volatile-containers.json"]) {
    const list = readParsed(`${storage}/${file}`) as { id: string; names?: string[] }[] | null;
    const name = list?.find((each) => each.id === id)?.names?.[0];
    if (name !== undefined) return name;
  }
  return undefined;
}
