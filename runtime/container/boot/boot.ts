/** What a guest is given when it boots: disks and its command line. */

import type { GuestPhase } from "../../../native/control.ts";
import { amountOf } from "../../amount.ts";
import { openBootDisk } from "../../disk/boot-disk.ts";
import type { OpenDisk } from "../../disk/open.ts";
import { UnikrunError } from "../../error.ts";
import {
  type Boot as GuestBoot,
  type GuestFamily,
  type KernelTraits,
  namesOfDeclared,
} from "../../guest/guest.ts";
import { PROXY_PORT } from "../../network/shut.ts";
import type { Wiring } from "../../network/wire.ts";
import { passed } from "../../steps.ts";
import { openImageFile } from "../bundle/image-file.ts";
import { type Container, imageRoot } from "../record/container.ts";
import type { MachineRecord } from "../record/machine.ts";
import { openGuestDisks, openSingleFile, ownDisk } from "./disks.ts";
import { moduleAddress } from "./module.ts";
import { type ResolvConf, toldNames } from "./network.ts";

export interface Boot extends Disposable {
  readonly machine: Pick<MachineRecord, "bootArguments" | "nics" | "proxy" | "order">;
  /** Its kernel's names for its cards and disks, in their order, where it has some. */
  readonly declared?: KernelTraits["declared"];
  readonly disks: readonly OpenDisk[];
  /** What it is not told (GuestFamily.unheard). */
  readonly unheard?: readonly string[];
  /** A file for its memory, behind its kernel: physical address, and bytes. */
  readonly module?: { readonly fd: number; readonly address: number; readonly size: number };
  /** What it goes on from, in place of a boot. */
  readonly saved?: {
    readonly phase: GuestPhase;
    /** A descriptor of its memory, if that is not in the state. */
    readonly memory?: number;
    /** Brings its state into the machine that waits for it, and returns when it runs. */
    load(stateFolder: string): void | Promise<void>;
  };
}

/** Throws UnikrunError for what it can't be given, with nothing left open. */
export function prepareBoot(options: {
  root: string;
  container: Container;
  family: GuestFamily;
  traits: KernelTraits;
  resolvConf: ResolvConf;
  wiring: Wiring;
  /** Whether its kernel is to take system calls, if it can. */
  proxy: boolean;
}): Boot {
  const { root, container, family, traits, resolvConf, wiring } = options;
  const { guest } = container;
  const nics = declaredNics(container, wiring, traits);
  using opened = new DisposableStack();
  const { list, initrd } = opened.use(
    openGuestDisks({ root, traits, family, container, resolvConf, resolver: wiring.resolver }),
  );
  if (initrd) passed("disk", `initrd ${amountOf(initrd.size)}`);
  const proxy = options.proxy && traits.proxy;
  const told: GuestBoot = {
    ...guest,
    ...(proxy ? { proxyPort: PROXY_PORT } : {}),
    nics,
    knows: traits.knows,
    ...toldNames(resolvConf, wiring),
    disks: list.map((disk, index) => ({ ...disk, index })),
    hasFiles: initrd !== undefined,
  };
  const boot = family.bootArguments(told);
  const module = initrd && {
    fd: initrd.fd,
    address: moduleAddress(container, initrd.size),
    size: initrd.size,
  };
  const first = boot.firstDisk ? [opened.use(openSingleFile(boot.firstDisk))] : [];
  if (family.board.loader === "disk") {
    first.push(opened.use(openBootDisk(ownDisk(container))));
    passed("disk", "its own");
  }
  const all = opened.move();
  return {
    machine: {
      bootArguments: boot.commandLine,
      nics,
      proxy,
      ...(traits.declared ? { order: traits.declared.map(({ kind }) => kind) } : {}),
    },
    ...(traits.declared ? { declared: traits.declared } : {}),
    disks: [...first, ...list],
    unheard: family.unheard?.(told) ?? [],
    ...(module ? { module } : {}),
    [Symbol.dispose]: () => all.dispose(),
  };
}

/** Those of its namespace that it has a use for, in their order. Throws UnikrunError where they are too few. */
function declaredNics(
  { id, guest }: Container,
  { nics }: Wiring,
  { declared }: KernelTraits,
): Wiring["nics"] {
  if (!declared) return nics;
  const wanted = namesOfDeclared(declared, "nic");
  if (nics.length >= wanted.length) return nics.slice(0, wanted.length);
  throw new UnikrunError(
    `Container ${id} can't be started: its unikernel ${guest.kernel} declares ${wanted.length} network ${wanted.length === 1 ? "card" : "cards"} (${wanted.join(", ")}), and the container has ${nics.length}: connect it to ${wanted.length - nics.length} more.`,
  );
}

/** Throws UnikrunError where the kernel is not the one that the container was created with. */
export function readTraits(container: Container, family: GuestFamily): KernelTraits {
  const { id, guest } = container;
  using kernel = openImageFile(guest.kernelOnHost ? "/" : imageRoot(container), guest.kernel);
  if (!kernel)
    throw new UnikrunError(`Container ${id} can't be started: its unikernel ${guest.kernel} is gone.`);
  if (kernel.identity === guest.kernelIdentity) return family.traits(kernel);
  throw new UnikrunError(
    `Container ${id} can't be started: its unikernel ${guest.kernel} has changed since the container was created; create it anew.`,
  );
}
