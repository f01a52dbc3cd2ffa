import test from "ava";
import { commandLine, type VmmCommand } from "../../runtime/machine/command-line.ts";
import { diskCommands } from "../../runtime/machine/disk.ts";
import { kernelCommands } from "../../runtime/machine/kernel.ts";
import { nicCommands } from "../../runtime/machine/nic.ts";
import { qemuOption } from "../../runtime/machine/option.ts";
import { startDirectives } from "../../runtime/machine/plan.ts";

const PC = { machine: "pc", loader: "init", firmware: "unikrun", acpi: false } as const;

const BOARD: VmmCommand = {
  qemu: "/usr/bin/qemu-system-x86_64",
  containerId: "c1",
  accelerator: "tcg",
  board: PC,
  hasInitrd: false,
  firmware: "unikrun",
  memoryMiB: 64,
  workers: 64,
};

const DISK = { readOnly: true, format: "raw", isDevice: false } as const;

const argumentOf = (argv: readonly string[], flag: string): string => argv[argv.indexOf(flag) + 1] ?? "";

test("a comma in a value is doubled, so that it cannot become an option", (t) => {
  t.is(qemuOption("tap", { id: "a,b=c", fd: 3, skipped: undefined }), "tap,id=a,,b=c,fd=3");
});

test("with our firmware QEMU is told nothing of the kernel", (t) => {
  t.is(argumentOf(commandLine(BOARD), "-bios"), "/guest/firmware");
  t.false(commandLine(BOARD).includes("-kernel"));
  t.deepEqual(kernelCommands(PC, "unikrun", "x"), []);
});

test("with SeaBIOS it makes its board when it has the kernel's command line, which is told as it is", (t) => {
  const argv = commandLine({ ...BOARD, firmware: "seabios" });
  t.is(argumentOf(argv, "-kernel"), "/guest/kernel");
  t.true(argv.includes("-preconfig"));
  t.false(argv.includes("-bios"));
  const value = '-qmp tcp:0.0.0.0:1 "x"\n{"execute":"quit"}';
  t.deepEqual(kernelCommands(PC, "seabios", value), [
    { execute: "qom-set", arguments: { path: "/machine", property: "append", value } },
    { execute: "x-exit-preconfig" },
  ]);
  t.deepEqual(kernelCommands(PC, "seabios", undefined), [{ execute: "x-exit-preconfig" }]);
});

test("a card has the interface's MAC and MTU, no boot ROM, and the tap's descriptor", (t) => {
  const [lend, netdev, card] = nicCommands({ card: 1, mac: "02:42:ac:11:00:03", mtu: 1400 });
  t.true(lend?.lends);
  t.deepEqual(lend?.arguments, { fdname: "net1" });
  t.deepEqual(netdev?.arguments, { type: "tap", id: "net1", fd: "net1", vhost: false });
  t.deepEqual(card?.arguments, {
    driver: "virtio-net-pci",
    netdev: "net1",
    mac: "02:42:ac:11:00:03",
    host_mtu: 1400,
    rx_queue_size: 256,
    tx_queue_size: 256,
    romfile: "",
    bus: "pci.0",
    addr: "0x4",
  });
});

test("a disk is a descriptor, and no path", (t) => {
  const [lend, node] = diskCommands([DISK], {});
  t.true(lend?.lends);
  t.deepEqual(node?.arguments, {
    driver: "raw",
    "node-name": "disk0",
    "read-only": true,
    file: { driver: "file", filename: "/dev/fdset/0", locking: "off" },
  });
});

test("a disk has one queue of a size that no other version of QEMU chooses", (t) => {
  t.like(diskCommands([DISK], {})[2]?.arguments, { "num-queues": 1, "queue-size": 256, addr: "0x10" });
});

test("a device and a qcow2 file are opened as what they are", (t) => {
  const [, device] = diskCommands([{ ...DISK, readOnly: false, isDevice: true }], {});
  t.like(device?.arguments, { driver: "raw", "read-only": false, file: { driver: "host_device" } });
  const [, image] = diskCommands([{ ...DISK, format: "qcow2" }], {});
  t.like(image?.arguments, { driver: "qcow2", file: { driver: "file" } });
});

test("a disk with another below it names no file, and the descriptor of that comes behind all disks", (t) => {
  const top = { readOnly: false, format: "qcow2", isDevice: false, base: { format: "qcow2" } } as const;
  const commands = diskCommands([top, DISK], {});
  const lent = commands.filter(({ lends }) => lends);
  t.deepEqual(
    lent.map((each) => each.arguments),
    [{ "fdset-id": 0 }, { "fdset-id": 1 }, { "fdset-id": 100 }],
  );
  const nodes = commands.filter(({ execute }) => execute === "blockdev-add");
  t.like(nodes[0]?.arguments, { "node-name": "base", "read-only": true, backing: null });
  t.like(nodes[1]?.arguments, { "node-name": "disk0", "read-only": false, backing: "base" });
  t.false("backing" in (nodes[2]?.arguments ?? {}));
});

test("the guest goes when it has its cards and disks, whose descriptors are lent in their order", (t) => {
  const directives = startDirectives({
    workers: undefined,
    nics: [{ mac: "02:42:ac:11:00:02", mtu: 1500 }],
    disks: [DISK],
    board: PC,
    devices: { modern: false, headers: true, disks: "folders" },
    firmware: "unikrun",
    bootArguments: "{}",
    resolver: undefined,
    links: [],
    apparmor: undefined,
    selinux: undefined,
    ending: { rules: [], reset: "fault", stop: "end" },
    say: [],
    keptMemory: false,
  });
  const commands = directives.flatMap(([key, value]) =>
    key === "ask" || key === "lend" ? [`${key} ${JSON.parse(value).execute}`] : [],
  );
  t.deepEqual(commands, [
    "ask qom-set",
    "lend getfd",
    "ask netdev_add",
    "ask device_add",
    "lend add-fd",
    "ask blockdev-add",
    "ask device_add",
    "ask cont",
  ]);
});

test("QEMU reads no configuration of the host, shows nothing, and is in its sandbox", (t) => {
  const argv = commandLine(BOARD);
  for (const flag of ["-nodefaults", "-no-user-config", "-no-reboot", "-S"])
    t.true(argv.includes(flag), flag);
  t.is(argumentOf(argv, "-display"), "none");
  t.regex(argumentOf(argv, "-sandbox"), /^on,.*elevateprivileges=deny,spawn=deny/);
});
