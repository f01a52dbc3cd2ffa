/** The part of the API that a node's label takes: patches of one node, by who has the token. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { succeed } from "../harness.ts";

export interface Api extends Disposable {
  readonly host: string;
  readonly port: number;
  readonly token: string;
  /** The certificate that it is to be known by. */
  readonly certificate: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** `host` is an address that pods reach it at. */
export function startApi(host: string, nodeName: string): Api {
  const { key, certificate } = makeKeys(host);
  const token = crypto.randomUUID();
  const labels: Record<string, string> = {};
  const server = Bun.serve({
    port: 0,
    tls: { key, cert: certificate },
    async fetch(request) {
      const isOurs = new URL(request.url).pathname === `/api/v1/nodes/${nodeName}`;
      if (request.headers.get("authorization") !== `Bearer ${token}`)
        return new Response("who?", { status: 401 });
      if (request.method !== "PATCH" || !isOurs) return new Response("not allowed", { status: 403 });
      if (request.headers.get("content-type") !== "application/merge-patch+json")
        return new Response("what?", { status: 415 });
      const { metadata } = (await request.json()) as { metadata: { labels: Record<string, string | null> } };
      for (const [name, value] of Object.entries(metadata.labels))
        if (value === null) delete labels[name];
        else labels[name] = value;
      return Response.json({ metadata: { labels } });
    },
  });
  return {
    host,
    port: server.port ?? 0,
    token,
    certificate,
    labels,
    [Symbol.dispose]: () => void server.stop(true),
  };
}

/** A key and its own certificate, for an IP address. */
function makeKeys(address: string): { key: string; certificate: string } {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-api-`);
  const kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const name = ["-subj", "/CN=api", "-addext", `subjectAltName=IP:${address}`];
  const files = ["-keyout", `${folder}/key`, "-out", `${folder}/certificate`];
  try {
    succeed(["openssl", "req", "-x509", ...kind, ...name, ...files]);
    const read = (file: string): string => readFileSync(`${folder}/${file}`, "utf8");
    return { key: read("key"), certificate: read("certificate") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
