/** Whether the services that call unikrun are so confined that it can't run in them. */
import { exists } from "../../../native/files.ts";
import type { Finding } from "../finding.ts";

const SERVICES = ["docker", "containerd", "crio", "podman"].map((name) => `${name}.service`);
const PROPERTIES = ["Id", "LoadState", "MemoryDenyWriteExecute", "LimitAS", "LimitDATA"];

/** Bytes; below, main.ts refuses to run (no-calls.ts). */
const ENOUGH = 4 * 2 ** 30;

/** Nothing is said of services without such settings, nor of a host without systemd. */
export function checkServices(): Finding[] {
  if (!exists("/run/systemd/system")) return [];
  const { stdout } = Bun.spawnSync(["systemctl", "show", `--property=${PROPERTIES.join(",")}`, ...SERVICES], {
    stdin: "ignore",
    stderr: "ignore",
  });
  return judgeServices(stdout.toString());
}

/** `shown`: what `systemctl show` says, NAME=VALUE in lines, an empty line between units. */
export function judgeServices(shown: string): Finding[] {
  return shown.split("\n\n").flatMap((unit) => {
    const values = new Map(unit.split("\n").map((line) => line.split(/=(.*)/) as [string, string]));
    const service = values.get("Id") ?? "";
    if (values.get("LoadState") !== "loaded") return [];
    const wrong = (fact: string, setting: string): Finding => ({
      status: "missing",
      subject: service.replace(/\.service$/, " unit"),
      fact: `${fact}: unikrun can't run below it`,
      advice: `systemctl edit ${service}: ${setting} below [Service], then restart it`,
    });
    if (values.get("MemoryDenyWriteExecute") === "yes")
      return wrong("has MemoryDenyWriteExecute=yes", "MemoryDenyWriteExecute=no");
    const small = ["LimitAS", "LimitDATA"].find((name) => Number(values.get(name)) < ENOUGH);
    return small ? wrong(`has ${small}=${values.get(small)}, too little`, `${small}=infinity`) : [];
  });
}
