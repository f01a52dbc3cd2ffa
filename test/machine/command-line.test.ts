import test from "ava";
import { commandLine, type Machine } from "../../runtime/machine/command-line.ts";
import { qemuOption } from "../../runtime/machine/option.ts";

const MACHINE: Machine = {
  qemu: "/usr/bin/qemu-system-x86_64",
  containerId: "c1",
  accelerator: "tcg",
  board: { machine: "pc", firmware: "seabios", acpi: false },
  memoryMiB: 64,
  workers: 64,
  bootArguments: '{"cmdline":"a,b"}',
  nics: [{ mac: "02:42:ac:11:00:02", mtu: 1400 }],
  disks: [{ readOnly: true, format: "raw", isDevice: false }],
};

const argumentOf = (argv: readonly string[], flag: string): string => argv[argv.indexOf(flag) + 1] ?? "";

test("a comma in a value is doubled, so that it cannot become an option", (t) => {
  t.is(qemuOption("tap", { id: "a,b=c", fd: 3, skipped: undefined }), "tap,id=a,,b=c,fd=3");
});

test("the kernel's command line is one argument, as it is", (t) => {
  const argv = commandLine({ ...MACHINE, bootArguments: '-qmp tcp:0.0.0.0:1 "x"' });
  t.is(argumentOf(argv, "-append"), '-qmp tcp:0.0.0.0:1 "x"');
  t.is(argv.filter((argument) => argument === "-qmp").length, 1);
  t.is(argumentOf(argv, "-qmp"), "chardev:monitor");
});

test("a card has the interface's MAC and MTU, no boot ROM, and the tap's descriptor", (t) => {
  const argv = commandLine({ ...MACHINE, nics: [...MACHINE.nics, { mac: "02:42:ac:11:00:03", mtu: 1500 }] });
  const cards = argv.filter((argument) => argument.startsWith("virtio-net-pci"));
  t.deepEqual(cards, [
    "virtio-net-pci,netdev=net0,mac=02:42:ac:11:00:02,host_mtu=1400,rx_queue_size=256,tx_queue_size=256,romfile=,bus=pci.0,addr=0x3",
    "virtio-net-pci,netdev=net1,mac=02:42:ac:11:00:03,host_mtu=1500,rx_queue_size=256,tx_queue_size=256,romfile=,bus=pci.0,addr=0x4",
  ]);
  t.true(argv.includes("tap,id=net1,fd=6,vhost=off"));
});

test("a disk is a descriptor behind those of the taps, and no path", (t) => {
  const argv = commandLine(MACHINE);
  t.is(argumentOf(argv, "-add-fd"), "fd=6,set=0");
  t.regex(
    argumentOf(argv, "-blockdev"),
    /^driver=raw,node-name=disk0,read-only=on,file\.driver=file,file\.filename=\/dev\/fdset\/0,/,
  );
});

test("a disk has one queue of a size that no other version of QEMU chooses", (t) => {
  const disk = commandLine(MACHINE).find((argument) => argument.startsWith("virtio-blk-pci"));
  t.is(disk, "virtio-blk-pci,drive=disk0,num-queues=1,queue-size=256,bus=pci.0,addr=0x10");
});

test("a device and a qcow2 file are opened as what they are", (t) => {
  const disks = [
    { readOnly: false, format: "raw", isDevice: true },
    { readOnly: false, format: "qcow2", isDevice: false },
  ] as const;
  const [device, image] = commandLine({ ...MACHINE, disks }).filter((argument) =>
    argument.startsWith("driver="),
  );
  t.regex(device ?? "", /^driver=raw,.*read-only=off,file\.driver=host_device/);
  t.regex(image ?? "", /^driver=qcow2,.*file\.driver=file/);
});

test("QEMU reads no configuration of the host, shows nothing, and is in its sandbox", (t) => {
  const argv = commandLine(MACHINE);
  for (const flag of ["-nodefaults", "-no-user-config", "-no-reboot", "-S"])
    t.true(argv.includes(flag), flag);
  t.is(argumentOf(argv, "-display"), "none");
  t.regex(argumentOf(argv, "-sandbox"), /^on,.*elevateprivileges=deny,spawn=deny/);
});
