/** A Debian 12 with Docker and nothing else, in which the tests run: `scripts/with-docker --engine fresh`. They leave it so. */
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { basename } from "node:path";
import { command, eventually, type Outcome, repository, succeed } from "../engine/harness.ts";

/** The package that this commit's release has. */
export const released = environment("UNIKRUN_PACKAGE");
/** Of the oldest build whose containers are to go on; its version is 0.0.9. */
export const older = environment("UNIKRUN_OLDER_PACKAGE");

function environment(name: string): string {
  const value = process.env[name];
  if (value === undefined)
    throw new Error("tests of the package run inside scripts/with-docker --engine fresh");
  return value;
}

/** Where somebody has downloaded things to. */
const DOWNLOADS = "/root/downloads";

/** Runs a line of shell as somebody would, who says yes where he is asked. */
export function type(line: string, user = "root"): Outcome {
  const shell = ["sh", "-c", `cd ${user === "root" ? DOWNLOADS : "/"} && ${line}`];
  return command(user === "root" ? shell : ["runuser", "-u", user, "-G", "docker", "--", ...shell], "y\n");
}

/** As apt-get does it, whatever version was there. */
export function install(file: string): void {
  download(file);
  succeed(["apt-get", "-qq", "install", "-y", `${DOWNLOADS}/${basename(file)}`]);
}

export function download(file: string): void {
  rmSync(DOWNLOADS, { recursive: true, force: true });
  mkdirSync(DOWNLOADS);
  copyFileSync(file, `${DOWNLOADS}/${basename(file)}`);
}

/** Removes or purges the package; both streams in one. */
export function take(how: "remove" | "purge"): { readonly code: number; readonly said: string } {
  const { code, stdout, stderr } = command(["apt-get", "-q", how, "-y", "unikrun"]);
  return { code, said: `${stdout}${stderr}` };
}

/** Tells the engines of it, and waits until dockerd knows. */
export async function register(): Promise<void> {
  succeed(["unikrun", "install"]);
  succeed(["systemctl", "reload", "docker"]);
  await eventually("dockerd's runtimes", () => {
    const runtimes = JSON.parse(succeed(["docker", "info", "-f", "{{json .Runtimes}}"]));
    return "unikrun" in runtimes || undefined;
  });
}

/** All of unikrun's on the host, one line each: files, mounts, processes, network cards and cgroups. */
export function traces(): string[] {
  const own = ["/proc", "/sys", "/tmp", "/var/lib/docker", repository];
  const prune = own.map((path) => `-path ${path}`).join(" -o ");
  const found = succeed([
    "sh",
    "-c",
    `find / /run /dev/shm -xdev \\( ${prune} \\) -prune -o -name '*unikrun*' -print
    cut -d ' ' -f 2 /proc/self/mounts | grep unikrun
    pgrep -a 'qemu|unikrun'
    ip -o link | grep -o 'tap[^:@]*'
    find /sys/fs/cgroup -type d -name '[0-9a-f]*' -path '*/docker/*'
    true`,
  ]);
  return found
    .split("\n")
    .filter((line) => line !== "" && !/^\/(var\/cache\/unikrun|root\/downloads)/.test(line));
}

/** Each file of /etc with its sum, but for what the dynamic linker keeps there. */
export function settings(): string[] {
  const files = "find /etc -type f ! -name ld.so.cache -exec sha256sum {} + | sort -k 2";
  return succeed(["sh", "-c", files]).split("\n");
}

/** What is otherwise in /etc than settings() had it. */
export function changesSince(before: readonly string[]): string[] {
  const now = settings();
  return [...now.filter((line) => !before.includes(line)), ...before.filter((line) => !now.includes(line))];
}

/** Ends a test in the state in which it found the host. */
export function forget(): void {
  command(["sh", "-c", "docker ps -aq | xargs -r docker rm -f -v"]);
  command(["sh", "-c", "unikrun uninstall"]);
  take("purge");
  command(["apt-get", "-qq", "autoremove", "--purge", "-y"]);
  rmSync(DOWNLOADS, { recursive: true, force: true });
}
