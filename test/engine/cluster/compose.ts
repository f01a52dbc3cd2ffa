/** Brings up examples/cluster with the probe, or the distribution's own program, in each of the three roles. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { eventually, probeImage, repository, servicesImage, succeed, uniqueName } from "../harness.ts";

export const roles = ["nginx", "php", "mysql"] as const;
export type Role = (typeof roles)[number];

/** The probe, a unikernel, or the real program in a runc container. */
type Kind = "probe" | "real";
export type Cast = Readonly<Record<Role, Kind>>;

export interface Cluster {
  readonly name: string;
  /** Runs `docker-compose ARGS` on it, and returns what that printed. */
  readonly compose: (...args: readonly string[]) => string;
  /** Asks for the page that all three make together, or another one. */
  readonly visit: (path?: string) => Promise<string>;
  /** Takes all of it away; twice is fine. */
  readonly remove: () => void;
}

const folder = `${repository}/test/engine/cluster`;
const examples = `${repository}/examples`;

let clusters = 0;

/** Creates and starts the three. */
export function startCluster(cast: Cast): Cluster {
  const number = ++clusters;
  const port = String(8090 + number);
  const name = uniqueName("cluster");
  const scratch = mkdtempSync(`${tmpdir()}/cluster-`);
  const files = ["network.yaml", ...roles.map((role) => `${cast[role]}-${role}.yaml`)];
  const cmd = [
    "env",
    ...Object.entries({ ...settings(cast, scratch), PORT: port, SUBNET: `10.211.${number}.0/24` }).map(
      ([key, value]) => `${key}=${value}`,
    ),
    "docker-compose",
    ...["-p", name, "-f", `${examples}/cluster/compose.yaml`],
    ...files.flatMap((file) => ["-f", `${folder}/${file}`]),
  ];
  const cluster: Cluster = {
    name,
    compose: (...args) => succeed([...cmd, ...args]),
    visit: (path = cast.nginx === "probe" ? "/via" : "/index.php") => ask(`http://127.0.0.1:${port}${path}`),
    remove: () => {
      cluster.compose("down", "-v", "-t", "5");
      rmSync(scratch, { recursive: true, force: true });
    },
  };
  try {
    cluster.compose("up", "-d", "--no-build");
  } catch (error) {
    cluster.remove();
    throw error;
  }
  return cluster;
}

/** The variables of the Compose files. */
function settings(cast: Cast, scratch: string): Record<string, string> {
  const images = { probe: probeImage, real: servicesImage };
  return {
    NGINX_IMAGE: images[cast.nginx](),
    PHP_IMAGE: images[cast.php](),
    MYSQL_IMAGE: images[cast.mysql](),
    EXAMPLES: examples,
    CLUSTER: folder,
    NGINX_CONF: nginxConfiguration(cast, scratch),
    NGINX_NEXT: cast.php === "probe" ? "http://php:80/via" : "fcgi://php:9000/srv/index.php",
    PHP_SRV: cast.mysql === "probe" ? `${folder}/srv` : `${examples}/php/srv`,
    PHP_NEXT: cast.mysql === "probe" ? "http://mysql:80/via" : "mysql://mysql:3306",
  };
}

/** The example's own, with the engine's name server where a container finds it; it speaks FastCGI only. */
function nginxConfiguration(cast: Cast, scratch: string): string {
  if (cast.php === "probe") return `${folder}/nginx.conf`;
  const example = readFileSync(`${examples}/nginx/data/conf/nginx.conf`, "utf8");
  const conf = `${scratch}/nginx.conf`;
  writeFileSync(conf, example.replace("169.254.53.53", "127.0.0.11"));
  return conf;
}

/** Asks through the published port until an answer comes; returns it with the name that a real Nginx adds. */
function ask(url: string): Promise<string> {
  return eventually(url, async () => {
    const response = await fetch(url, {
      signal: AbortSignal.timeout(5000),
      headers: { connection: "close" },
      keepalive: false,
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status}: ${text}`);
    return `${response.headers.get("x-served-by") ?? ""}\n${text}`;
  });
}
