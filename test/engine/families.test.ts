/** Guests of families other than rumprun, as an engine's user has them: no label, only the file. */
import test, { type ExecutionContext } from "ava";
import { makeBootDisk, type Orders } from "../conformance/boot-disk.ts";
import { docker, guestImage, inspect, succeed, uniqueName } from "./harness.ts";

interface Guest {
  readonly image: () => string;
  /** Its arguments, and what they make of it. */
  readonly ends: readonly {
    /** Where another one's file says how it ends. */
    readonly image?: () => string;
    readonly args: readonly string[];
    readonly code: number;
    readonly says: string;
  }[];
  /** Arguments with which it goes on until it is stopped, and the exit code then. */
  readonly stays: { readonly args: readonly string[]; readonly says: string; readonly code: number };
}

/** Of Nanos's kind: it has no arguments. */
const diskImage = (name: string, orders: Orders) => (): string =>
  guestImage(name, { "/disk.img": makeBootDisk(orders) });

const GUESTS: Readonly<Record<string, Guest>> = {
  solo5: {
    image: () => guestImage("solo5", { "/kernel": "solo5.bin" }),
    ends: [
      { args: ["exit", "7"], code: 7, says: "command line: exit 7\n" },
      { args: ["abort"], code: 134, says: "solo5_abort() called" },
    ],
    stays: { args: ["serve"], says: "command line: serve\n", code: 143 },
  },
  linux: {
    image: () => guestImage("linux", { "/kernel": "bzimage.bin", "/initrd": "probe.bin" }),
    ends: [
      { args: ["do=port:7"], code: 7, says: "booted by Linux's protocol" },
      { args: ["do=port-reset:7"], code: 7, says: "booted by Linux's protocol" },
      { args: ["do=halt"], code: 0, says: "System halted" },
    ],
    stays: { args: ["do=button"], says: "waits for its button", code: 143 },
  },
  osv: {
    image: () => guestImage("osv", { "/kernel": "osv.bin" }),
    ends: [{ args: ["/x", "do=returned:7"], code: 7, says: "booted by PVH" }],
    stays: { args: ["/x", "do=button"], says: "waits for its button", code: 143 },
  },
  nanos: {
    image: diskImage("nanos", { does: { code: 9, button: true }, debugExit: true }),
    ends: [0, 7].map((code) => ({
      image: diskImage(`nanos-${code}`, { text: `says ${code}`, does: { code } }),
      args: [],
      code,
      says: `disk 80 of 01: says ${code}\n`,
    })),
    stays: { args: [], says: "waiting for the button\n", code: 143 },
  },
};

function run(t: ExecutionContext, image: string, args: readonly string[], ...options: string[]): string {
  const name = uniqueName("guest");
  t.teardown(() => docker("rm", "-f", name));
  succeed(["docker", "run", "-d", "--runtime=unikrun", "--name", name, ...options, image, ...args]);
  return name;
}

async function untilSaid(name: string, text: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!docker("logs", name).stdout.includes(text)) {
    if (Date.now() > deadline) throw new Error(`${name} did not say ${JSON.stringify(text)}`);
    await Bun.sleep(50);
  }
}

for (const [family, { image, ends, stays }] of Object.entries(GUESTS)) {
  for (const { image: own = image, args, code, says } of ends) {
    test(`a ${family} guest told "${args.join(" ")}" ends with ${code}`, async (t) => {
      const name = run(t, own(), args);
      t.is(succeed(["docker", "wait", name]), String(code));
      await t.notThrowsAsync(untilSaid(name, says));
    });
  }

  test(`a ${family} guest is stopped in its time, and started again`, async (t) => {
    const name = run(t, image(), stays.args);
    await untilSaid(name, stays.says);
    succeed(["docker", "stop", "-t", "20", name]);
    t.is(inspect(name, "{{.State.ExitCode}}"), String(stays.code));
    succeed(["docker", "start", name]);
    t.is(inspect(name, "{{.State.Status}}"), "running");
  });

  test(`a ${family} guest is found by exec's status`, (t) => {
    const name = run(t, image(), stays.args);
    t.regex(succeed(["docker", "exec", name, "unikrun", "status"]), new RegExp(`^guest +${family}$`, "m"));
  });
}
