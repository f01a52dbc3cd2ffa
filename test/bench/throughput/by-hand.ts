/** The probe guest in a QEMU that nobody but us started: what unikrun's guests are held against. */
import { readFileSync } from "node:fs";
import { eventually, repository, succeed } from "../../engine/harness.ts";

/** A QEMU with the probe; `output` is what its guest has written so far. */
interface Machine extends Disposable {
  output(): string;
}

/** Starts the probe with the arguments, and devices by QEMU's options, behind a command that may choose a namespace. */
export function startMachine(machine: {
  readonly args: string;
  readonly net?: { readonly address: string; readonly gateway: string };
  readonly devices: readonly string[];
  readonly console: string;
  readonly kvm: boolean;
  readonly prefix?: readonly string[];
}): Machine {
  const { args, net, devices, console, kvm, prefix = [] } = machine;
  const card = net && { if: "vioif0", type: "inet", method: "static", mask: "24" };
  const config = {
    cmdline: `probe ${args}`,
    ...(net ? { net: { ...card, addr: net.address, gw: net.gateway } } : {}),
  };
  const process = Bun.spawn({
    cmd: [
      ...prefix,
      ...["qemu-system-x86_64", "-M", "pc", "-accel", kvm ? "kvm" : "tcg", "-m", "64", "-nodefaults"],
      ...["-no-user-config", "-display", "none", "-vga", "none", "-serial", `file:${console}`],
      ...["-kernel", `${repository}/build/guest/probe.bin`, "-append", JSON.stringify(config), ...devices],
    ],
    stdio: ["ignore", "ignore", "inherit"],
  });
  return { output: () => readFileSync(console, "utf8"), [Symbol.dispose]: () => process.kill("SIGKILL") };
}

/** A bridge and a client's side of it, in namespaces of their own: no filters, no engine. */
export interface PlainBridge extends Disposable {
  /** Runs the probe on it, and returns its address once it serves. */
  serve(args: string): Promise<string>;
  /** What runs a command on the client's side. */
  readonly client: readonly string[];
}

export function makePlainBridge(folder: string, kvm: boolean): PlainBridge {
  const [bridge, client] = ["bench-bridge", "bench-client"];
  const machines: Machine[] = [];
  const inside = (netns: string, command: string): string =>
    succeed(["ip", "-n", netns, ...command.split(" ")]);
  for (const netns of [bridge, client]) succeed(["ip", "netns", "add", netns]);
  inside(bridge, "link add br0 type bridge");
  inside(bridge, "link set br0 up");
  inside(bridge, `link add port type veth peer name eth0 netns ${client}`);
  inside(bridge, "link set port up master br0");
  inside(client, "addr add 10.99.0.1/24 dev eth0");
  inside(client, "link set eth0 up");
  const serve = async (args: string): Promise<string> => {
    const number = machines.length;
    const address = `10.99.0.${2 + number}`;
    inside(bridge, `tuntap add tap${number} mode tap`);
    inside(bridge, `link set tap${number} up master br0`);
    const machine = startMachine({
      args,
      net: { address, gateway: "10.99.0.1" },
      devices: [
        ...["-netdev", `tap,id=net,ifname=tap${number},script=no,downscript=no`],
        ...["-device", `virtio-net-pci,netdev=net,romfile=,mac=02:00:00:00:00:0${number}`],
      ],
      console: `${folder}/by-hand-${number}.console`,
      kvm,
      prefix: ["ip", "netns", "exec", bridge],
    });
    machines.push(machine);
    await eventually(
      `the probe by hand with ${args}`,
      () => /^probe: .*port/m.test(machine.output()) || undefined,
    );
    return address;
  };
  return {
    serve,
    client: ["ip", "netns", "exec", client],
    [Symbol.dispose]: () => {
      for (const machine of machines) machine[Symbol.dispose]();
      for (const netns of [bridge, client]) succeed(["ip", "netns", "del", netns]);
    },
  };
}
