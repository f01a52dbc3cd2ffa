import { readFileSync } from "node:fs";
import { basename } from "node:path";
import test from "ava";
import { firstCommands } from "../package/first-commands.ts";
import { eventually, inHost, keepToTcg, quote, succeed } from "./harness.ts";

const DOWNLOADS = "/root/downloads";

/** The package of the commit, made outside. */
function released(): string {
  const call = Bun.spawnSync([`${import.meta.dirname}/../../scripts/lib/released`, "HEAD"]);
  if (call.exitCode !== 0) throw new Error(call.stderr.toString());
  return call.stdout.toString().trim();
}

/** As whoever the prompt stands for, who says yes where he is asked. */
const type = (line: string, isRoot: boolean) =>
  inHost(isRoot ? `cd ${DOWNLOADS} && ${line}` : `runuser -u alice -G docker -- sh -c ${quote(line)}`, {
    stdin: "y\n",
  });

test("README's five commands lead from the package to a guest's answer", async (t) => {
  t.timeout(15 * 60_000);
  const file = released();
  const commands = firstCommands(file);
  t.is(commands.length, 5);
  // Other tests have the build that lies here, of which not all may be committed.
  succeed("cp /usr/bin/unikrun /root/unikrun && unikrun uninstall && apt-get -qq purge -y unikrun");
  t.teardown(() => succeed(`mv /root/unikrun /usr/bin/unikrun && rm -r ${DOWNLOADS}`));
  t.is(inHost("ls -d /etc/docker/daemon.json /etc/unikrun /var/lib/unikrun /run/unikrun*").stdout, "");
  keepToTcg();
  succeed(`mkdir ${DOWNLOADS} && cat > ${DOWNLOADS}/${basename(file)}`, { stdin: readFileSync(file) });
  succeed("DOCKER_BUILDKIT=0 docker build -q -t my/unikernel -", {
    stdin: 'FROM probe\nCMD ["http", "80"]\n',
  });
  t.teardown(() => succeed("docker ps -q --filter ancestor=my/unikernel | xargs -r docker rm -f"));

  const asks = commands.pop();
  for (const { isRoot, line } of commands) {
    const { code, stdout, stderr } = type(line, isRoot);
    t.is(code, 0, `${line}: ${stdout}${stderr}`);
  }
  const page = await eventually("the guest's answer", () => {
    const { code, stdout } = type(asks?.line ?? "", false);
    return code === 0 ? stdout : undefined;
  });
  t.regex(page, /probe/);
});
