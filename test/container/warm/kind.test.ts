/** What makes guests of one kind, beside what the conformance tests show. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import test, { type ExecutionContext } from "ava";
import type { BoardRecord, Container, GuestRecord } from "../../../runtime/container/record/container.ts";
import { kindOfBoard, kindOfStart } from "../../../runtime/container/warm/kind.ts";
import type { Disk } from "../../../runtime/disk/choose.ts";
import { pathSource } from "../../../runtime/disk/host-source.ts";
import type { Nic } from "../../../runtime/network/nics.ts";

function makeRoot(t: ExecutionContext): string {
  const rootfs = mkdtempSync(`${tmpdir()}/unikrun-rootfs-`);
  t.teardown(() => rmSync(rootfs, { recursive: true }));
  mkdirSync(`${rootfs}/etc`);
  writeFileSync(`${rootfs}/kernel`, "a kernel of sorts");
  return rootfs;
}

const guestNamed = (hostname: string, env: readonly string[] = [`HOSTNAME=${hostname}`]) =>
  ({
    family: "rumprun",
    kernel: "/kernel",
    kernelOnHost: false,
    image: { entry: 0, pieces: [{ offset: 0, size: 8, address: 0x100000 }], end: 0x200000 },
    args: ["a"],
    env,
    cwd: "/",
    hostname,
  }) as unknown as GuestRecord;

const BOARD: BoardRecord = {
  qemu: process.execPath,
  accelerator: "tcg",
  firmware: "unikrun",
  memoryMiB: 64,
  workers: 64,
};

test("a container's own name in its environment makes no other kind, anything else there does", (t) => {
  const rootfs = makeRoot(t);
  const kind = (guest: GuestRecord, root = "/run/a") =>
    kindOfBoard({ root, id: "c", rootfs, guest, board: BOARD });
  const one = kind(guestNamed("one"));
  t.is(kind(guestNamed("two")), one);
  t.not(kind(guestNamed("two", ["HOSTNAME=one"])), one);
  t.not(kind(guestNamed("one"), "/run/b"), one, "another engine's");
  writeFileSync(`${rootfs}/kernel`, "another kernel");
  t.not(kind(guestNamed("one")), one);
});

test("the lines of /etc that say a container's own name and address make no other kind, others there do", (t) => {
  const rootfs = makeRoot(t);
  let count = 0;
  const kind = (hostname: string, address: string, hosts: string, written = `${hostname}\n`) => {
    const files = new Map<string, string>();
    for (const [name, text] of Object.entries({ hosts, hostname: written })) {
      const source = `${rootfs}/${name}-${count++}`;
      writeFileSync(source, text);
      files.set(`/${name}`, source);
    }
    const disk: Disk = {
      mountpoint: "/etc",
      readOnly: true,
      content: { kind: "tree", base: { in: "image", path: "/etc" }, files, folders: new Set() },
    };
    const nic = {
      mtu: 1500,
      addresses: [{ family: 4, address, prefix: 24 }],
      gateways: [],
    } as unknown as Nic;
    return kindOfStart({ guest: guestNamed(hostname) } as Container, nic, [disk], {
      containerId: "c",
      rootfs,
      sourceAt: pathSource,
      mayOpen: () => true,
      writerOf: () => undefined,
      store: rootfs,
      limit: 0,
      volumeBytes: 0,
      texts: new Map(),
      builtIn: new Map(),
    });
  };
  const local = "127.0.0.1 localhost\n";
  const one = kind("one", "10.0.0.2", `${local}10.0.0.2\tone\n`);
  t.is(kind("two", "10.0.0.3", `${local}10.0.0.3  two two.example\n`), one);
  t.not(kind("two", "10.0.0.3", `${local}10.0.0.2\tone\n`), one, "the other's line");
  t.not(kind("two", "10.0.0.3", `${local}10.0.0.3 two\n10.0.0.9 db\n`), one, "a host that was added");
  t.not(kind("two", "10.0.0.3", `${local}10.0.0.3 two\n`, "else\n"), one, "another name in /etc/hostname");
});
