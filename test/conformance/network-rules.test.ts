/** A network namespace with rules that bind its programs, and a guest that is to start in it. */
import test, { type ExecutionContext } from "ava";
import { run } from "../network/netns.ts";
import { BOTH_IPTABLES, swarmRules } from "../network/swarm-rules.ts";
import { ask } from "./ask.ts";
import { type Bench, leftovers, makeBench, type Outcome, placeInNetwork } from "./harness.ts";
import { address, makeNetworks } from "./networks.ts";
import { type PrivateHost, privateHost } from "./private-host.ts";

const NAMED =
  /Container \S+: its network namespace has rules that do not bind a unikernel, whose frames go around them \(.*chain ip filter OUTPUT that drops what is not allowed\).* org\.unikrun\.networkRules=ignore [^\n]*\n$/;

/** Where nothing but a tunnel's frames may leave; null, with a word, where this host's kernel or programs have no such rules. */
function makeKillSwitch(t: ExecutionContext): string | null {
  const netns = makeNetworks(t, 1);
  try {
    run(`nsenter --net=${netns} iptables -P OUTPUT DROP`);
    return netns;
  } catch (error) {
    t.log(`skipped: no rules can be made here: ${error}`);
    return null;
  }
}

function start(
  bench: Bench,
  { netns, annotations = {} }: { netns: string; annotations?: Record<string, string> },
): Outcome {
  placeInNetwork(bench, netns);
  bench.configure((config) => {
    config.annotations = annotations;
  });
  const created = bench.call("create");
  if (created.code !== 0) throw new Error(created.stderr);
  return bench.call("start", bench.id);
}

test.serial("a kill switch keeps a guest from starting, by its name, and nothing is left", (t) => {
  const netns = makeKillSwitch(t);
  if (netns === null) return t.pass();
  const links = (): string => run(`ip -n ${netns.replace(/^.*\//, "")} -o link`).replace(/uk\S+/g, "tap");
  const before = links();
  using bench = makeBench(["return", "0"]);
  const { code, stderr } = start(bench, { netns });
  t.not(code, 0);
  t.regex(stderr, NAMED);
  t.is(links(), before);
  t.is(bench.call("delete", bench.id).code, 0);
  return t.deepEqual(leftovers(bench), []);
});

test.serial(
  "what the operator accepts, by the container or for the host, starts; an image has no say",
  async (t) => {
    const netns = makeKillSwitch(t);
    if (netns === null) return t.pass();
    using host = await privateHost();
    const codeOf = (settings: object, value?: string, files: Record<string, string> = {}): number => {
      host.configure(settings);
      using bench = benchOn(host, files);
      const annotations = value === undefined ? {} : { "org.unikrun.networkRules": value };
      const { code } = start(bench, { netns, annotations });
      if (code === 0) bench.wait();
      return code;
    };
    t.is(codeOf({}, "ignore"), 0);
    t.is(codeOf({ networkRules: "ignore" }), 0);
    t.not(codeOf({ networkRules: "ignore" }, "refuse"), 0);
    t.throws(() => codeOf({}, undefined, { "unikrun.json": '{"networkRules":"ignore"}' }), {
      message: /networkRules can be set by the host only/,
    });
  },
);

const benchOn = (host: PrivateHost, files: Record<string, string>): Bench =>
  makeBench(["return", "0"], files, host.runtime);

for (const iptables of BOTH_IPTABLES)
  test.serial(`a published port of a Swarm service leads to the guest's own (${iptables})`, async (t) => {
    const netns = makeNetworks(t, 1);
    const own = address(0);
    const ports = [8090, 8091].map((published) => ({ protocol: "tcp", published, own: 80 }) as const);
    for (const rule of swarmRules(iptables, own, ports)) run(`nsenter --net=${netns} ${rule}`);
    using bench = makeBench(["http", "80"]);
    const { code, stderr } = start(bench, { netns });
    t.is(code, 0, stderr);
    const get = async (at: string): Promise<string> => (await ask(`http://${own}${at}`)).text();
    for (const port of [":8090", ":8091", ""]) {
      t.regex(await get(`${port}/`), /probe guest/, port);
      t.is((await get(`${port}/bytes?n=200000`)).length, 200_000, port);
    }
    t.is(bench.call("delete", "--force", bench.id).code, 0);
    t.deepEqual(leftovers(bench), []);
  });
