/** The verbs for people, on a host with an engine: containers are found by the names that people know. */
import test from "ava";
import { docker, eventually, startProbe, succeed, unikrun } from "./harness.ts";
import { preparePodman } from "./podman.ts";

test("list, status, inspect and logs know a container of Docker's by its name", async (t) => {
  const name = startProbe(t);
  await eventually("its last line", () => docker("logs", name).stdout.includes("serving HTTP") || undefined);
  const id = succeed(["docker", "inspect", "--format", "{{.Id}}", name]).trim();
  const line = new RegExp(`^${name} +running +rumprun +64 MiB +(kvm|tcg) +docker +${id.slice(0, 12)}$`, "m");
  t.regex(succeed([unikrun, "list"]), line);
  t.regex(succeed([unikrun, "status", name]), new RegExp(`^id +${id}$`, "m"));
  t.regex(succeed([unikrun, "inspect", id.slice(0, 12)]), /^family +rumprun$/m);
  t.is(succeed([unikrun, "logs", "--tail", "1", name]), succeed(["docker", "logs", "--tail", "1", name]));
  docker("pause", name);
  t.regex(succeed([unikrun, "list"]), new RegExp(`^${name} +paused`, "m"));
  t.regex(succeed([unikrun, "status", name]), /^accelerator +(kvm|tcg)$/m);
  docker("unpause", name);
});

test("list and status know a container of Podman's by its name", (t) => {
  using podman = preparePodman();
  const name = podman.start(t, "--network", "none");
  t.regex(
    succeed([unikrun, "list"]),
    new RegExp(`^${name} +running +rumprun +64 MiB +(kvm|tcg) +podman `, "m"),
  );
  t.regex(succeed([unikrun, "status", name]), /^status +running$/m);
});
