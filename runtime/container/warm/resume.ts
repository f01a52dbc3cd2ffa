/** Going on from a template in place of a boot. */
import { copySparse } from "../../../native/copy.ts";
import { type Descriptor, duplicate, owned } from "../../../native/libc.ts";
import { memoryFile } from "../../../native/process.ts";
import type { Disk, DiskContent } from "../../disk/choose.ts";
import type { OpenDisk } from "../../disk/open.ts";
import { reasonOf, UnikrunError } from "../../error.ts";
import type { BootNic, GuestFamily, KernelTraits } from "../../guest/guest.ts";
import { loadMachine } from "../../machine/migration.ts";
import { adoptAddresses } from "../../network/adopt.ts";
import type { Nic } from "../../network/nics.ts";
import type { Wiring } from "../../network/wire.ts";
import type { Boot } from "../boot/boot.ts";
import { chooseGuestDisks } from "../boot/disks.ts";
import type { ResolvConf } from "../boot/network.ts";
import {
  type BoardRecord,
  type Container,
  type GuestRecord,
  netnsOf,
  type QemuRecord,
} from "../record/container.ts";
import { tellIdentity } from "./identity.ts";
import { kindOfBoard, kindOfStart } from "./kind.ts";
import {
  hasTemplate,
  type OpenTemplate,
  openTemplate,
  removeTemplate,
  type Template,
  templateFolder,
} from "./templates.ts";

/** How a container starts whose guest may be kept. */
export interface WarmStart {
  /** Absent where it boots as others do. */
  readonly boot?: Boot;
  /** The name of the template that its guest may become. */
  readonly template?: string;
  /** Why it starts cold: a line for its log. */
  readonly remark?: string;
}

/** A board whose guest can go on from a template, if it looks as if there were one. */
export function boardForTemplate(options: {
  root: string;
  id: string;
  rootfs: string;
  guest: GuestRecord;
  board: QemuRecord;
}): QemuRecord {
  const { guest, board } = options;
  if (board.firmware !== "unikrun") return board;
  const kind = kindOfBoard(options);
  return { ...board, kind, ...(hasTemplate(guest.store, `${kind}-`) ? { incoming: true } : {}) };
}

export function warmStart(options: {
  root: string;
  container: Container;
  family: GuestFamily;
  traits: KernelTraits;
  resolvConf: ResolvConf;
  wiring: Wiring;
  /** Its kernel can take system calls without taking them from others. */
  isShut: boolean;
}): WarmStart {
  const { root, container, family, traits, resolvConf, wiring, isShut } = options;
  const { board, guest } = container;
  const { disks, options: diskOptions } = chooseGuestDisks({
    root,
    container,
    resolvConf,
    resolver: wiring.resolver,
    traits,
    family,
  });
  const why = whyAlone(board, wiring.nics, disks);
  const [nic] = wiring.nics;
  if (why !== null || board.kind === undefined || !nic) return cold(`${why}`);
  const name = `${board.kind}-${kindOfStart(container, nic, disks, diskOptions)}`;
  if (!board.incoming) return { template: name };
  try {
    const template = openTemplate(guest.store, name);
    return template ? goOn({ container, wiring, nic, name, isShut }, template) : { template: name };
  } catch (error) {
    removeTemplate(guest.store, name);
    const place = templateFolder(guest.store, name);
    return {
      template: name,
      ...cold(`its template ${place} was damaged (${reasonOf(error)}) and is removed`),
    };
  }
}

const cold = (why: string): WarmStart => ({
  remark: `this guest boots, and goes on from no other (org.unikrun.warm): ${why}`,
});

/** Why nobody can go on from such a guest, nor it from another: a clause; null where that can be. */
function whyAlone(board: BoardRecord, nics: readonly Nic[], disks: readonly Disk[]): string | null {
  if (board.tender !== undefined) return "its tender can't save it";
  if (board.kind === undefined) return `with the firmware ${board.firmware} it can't go on from another`;
  if (nics.length !== 1) return `it has ${nics.length} network cards, and can be told of one`;
  const families = nics.flatMap(({ addresses }) => addresses.map(({ family }) => family));
  if (families.length !== 1 || families[0] !== 4)
    return "it can be told one IPv4 address, and it has others, or none";
  const own = disks.find(({ content }) => isOwn(content));
  if (!own) return null;
  const what = own.content.kind === "host" ? "a disk of the host" : "a volume for writing";
  return `it has ${what} at ${own.mountpoint ?? "no mount point"}, which is its own`;
}

const isOwn = (content: DiskContent): boolean =>
  content.kind === "volume" ||
  content.kind === "host" ||
  (content.kind === "scratch" && content.copyOf !== undefined);

interface Successor {
  readonly container: Container;
  readonly wiring: Wiring;
  readonly nic: Nic;
  /** The template's. */
  readonly name: string;
  readonly isShut: boolean;
}

function goOn(successor: Successor, template: OpenTemplate): WarmStart {
  using opened = new DisposableStack();
  opened.use(template);
  const { container, nic, name } = successor;
  const { machine, neighbours, phase } = template.template;
  const [from] = machine.nics;
  if (!from) throw new Error("it has no network card");
  const why = whyUntold(successor, template.template, from);
  if (why !== null) return cold(why);
  const { store } = container.guest;
  const disks = machine.disks.map(
    (disk, index): OpenDisk => ({
      ...disk,
      fd: opened.use(diskOf(disk, template.disks[index])).fd,
      format: "raw",
      isDevice: false,
    }),
  );
  const all = opened.move();
  const boot: Boot = {
    machine: machine.proxy ? { ...machine, nics: [nic] } : machine,
    disks,
    saved: {
      phase,
      memory: template.memory.fd,
      async load(state) {
        try {
          loadMachine(state, template.state.fd, "beside");
          await becomeItself(successor, { from, neighbours, isTold: machine.proxy ?? false });
        } catch (cause) {
          removeTemplate(store, name);
          throw new UnikrunError(
            `Container ${container.id} can't go on from the template ${templateFolder(store, name)} (${reasonOf(cause)}), which is removed: start it again.`,
            { cause },
          );
        }
      },
    },
    [Symbol.dispose]: () => all.dispose(),
  };
  return { boot };
}

/** Why it would not be the guest of its own container, a clause; null where it can be told, or has nothing to be told. */
function whyUntold(
  { container, nic, isShut }: Successor,
  { machine, hostname }: Template,
  from: BootNic,
): string | null {
  if (machine.proxy) return isShut ? null : "its kernel's port for system calls can't be shut to others";
  const [had, has] = [from.addresses[0]?.address, nic.addresses[0]?.address];
  if (had === has && hostname === container.guest.hostname) return null;
  return `its kernel can't be told another address or name (RUMPRUN_SYSPROXY) than the ${had} and ${hostname} of the guest that was kept`;
}

async function becomeItself(
  { container, wiring, nic }: Successor,
  { from, neighbours, isTold }: { from: BootNic; neighbours: readonly string[]; isTold: boolean },
): Promise<void> {
  if (isTold) await tellIdentity(container, { from, to: nic });
  wiring.open(neighbours);
  if (!isTold) adoptAddresses(netnsOf(container), [from], [nic]);
}

/** What its guest writes from now on goes to a copy. */
function diskOf({ kind }: Pick<OpenDisk, "kind">, kept: Descriptor | undefined): Descriptor {
  if (!kept) throw new Error("it lacks a disk");
  if (kind !== "scratch") return owned(duplicate(kept.fd));
  using undo = new DisposableStack();
  const copy = undo.use(owned(memoryFile("scratch", new Uint8Array())));
  copySparse(kept.fd, copy.fd);
  undo.move();
  return copy;
}
