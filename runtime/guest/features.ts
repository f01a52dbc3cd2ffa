/** What the families' guests can be told and can do, in the words of `unikrun inspect` and docs/guests.md. */

export const FEATURES = {
  arguments: "arguments",
  environment: "environment",
  cards: "network cards",
  addresses: "IP addresses",
  gateways: "default gateway",
  routes: "other routes",
  mtu: "MTU",
  names: "name servers",
  hostname: "host name",
  folders: "folders and volumes",
  images: "disk images",
  input: "standard input",
  exitCode: "exit code",
  stop: "docker stop",
} as const;

/** "yes", "no", or how far: a few words. */
export type Features = Readonly<Record<keyof typeof FEATURES, string>>;

/** A row for each feature, a column for each family. */
export function featureTable(
  families: readonly { readonly name: string; readonly features: Features }[],
): string {
  const rows = (Object.keys(FEATURES) as (keyof Features)[]).map((key) => [
    FEATURES[key],
    ...families.map(({ features }) => features[key]),
  ]);
  const head = ["", ...families.map(({ name }) => name)];
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
