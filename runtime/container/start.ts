import { runHooks } from "../../hooks/runner.ts";
import { sendPlan } from "../../native/channel.ts";
import { encodeDirectives } from "../../native/directives.ts";
import { UnikrunError } from "../error.ts";
import { familyNamed } from "../guest/detect.ts";
import type { GuestFamily, KernelTraits } from "../guest/guest.ts";
import { debug, warn } from "../log.ts";
import { guestMemory } from "../machine/memory.ts";
import { planDirectives } from "../machine/plan.ts";
import { chooseAccelerator, probeHost } from "../machine/probe.ts";
import { findQemu } from "../machine/qemu.ts";
import { loopbackServer } from "../network/resolv-conf.ts";
import { type Wiring, wireNetwork } from "../network/wire.ts";
import { openGuestDisks, openSingleFile, readResolvConf } from "./disks.ts";
import { openImageFile } from "./entrypoint.ts";
import { releaseResources } from "./lifecycle.ts";
import { annotationSettings, type HostSettings, hostSettings } from "./settings.ts";
import { type Container, containerFolder, stateDocument, statusOf } from "./state.ts";

/**
 * Starts a created container's machine, and returns when its VMM is up (runtime.md, Lifecycle 6-9).
 * A start that fails ends the container's processes and takes back its network and cgroup; its record stays, stopped, for delete.
 */
export async function startContainer(root: string, container: Container): Promise<void> {
  const status = statusOf(root, container);
  if (status !== "created") {
    const why =
      status === "running" || status === "paused"
        ? `it is already ${status}`
        : "it has stopped: a stopped container can only be deleted";
    throw new UnikrunError(`Container ${container.id} can't be started: ${why}.`);
  }
  try {
    await startMachine(root, container);
    await runHooks({
      kind: "poststart",
      hooks: container.hooks.poststart,
      place: { kind: "runtime" },
      state: stateDocument(container, "running"),
    });
  } catch (error) {
    await releaseResources(container);
    throw error;
  }
}

async function startMachine(root: string, container: Container): Promise<void> {
  const { id, pid, guest, hooks } = container;
  const settings = await hostSettings();
  const { host, accelerator } = await chooseVmm(container, settings);
  const family = familyNamed(guest.family);
  const memoryMiB = guestMemory({
    containerId: id,
    limit: guest.memoryLimit,
    wanted: guest.memory,
    family,
    accelerator,
  });
  const resolvConf = readResolvConf(guest.mounts);
  using wiring = await wireGuest(container, family, loopbackServer(resolvConf.text));
  const traits = readTraits(container, family);
  using disks = openGuestDisks({
    builtIn: traits.files,
    container,
    settings,
    resolvConf,
    resolver: wiring.resolver,
    limit: family.limits.disks,
  });
  const boot = family.bootArguments({
    ...guest,
    nics: wiring.nics,
    singleNetwork: traits.singleNetwork,
    disks: disks.list.map((disk, index) => ({ ...disk, index })),
  });
  using firstDisk = boot.firstDisk && openSingleFile(boot.firstDisk);
  const allDisks = [...(firstDisk ? [firstDisk] : []), ...disks.list];
  await runHooks({
    kind: "startContainer",
    hooks: hooks.startContainer,
    place: { kind: "container", pid, root: container.rootfs },
    state: stateDocument(container, "created"),
  });
  const plan = planDirectives({
    host,
    machine: {
      qemu: host.qemu,
      containerId: id,
      accelerator,
      board: family.board,
      memoryMiB,
      bootArguments: boot.commandLine,
      nics: wiring.nics,
      disks: allDisks,
    },
    cage: containerFolder(root, id),
    rootfs: container.rootfs,
    ownMounts: guest.newMounts,
    kernel: guest.kernel,
    kernelOnHost: guest.kernelOnHost,
    resolver: wiring.resolver,
    links: wiring.nics.map(({ link }) => link),
    uid: VMM_UIDS + pid,
    rlimits: guest.rlimits,
    apparmor: guest.apparmor,
    selinux: guest.selinux,
    exitRules: family.exitRules,
  });
  await debug(() => plan.map(([key, value]) => `Container ${id}: plan: ${key} ${value}`));
  const trouble = sendPlan(containerFolder(root, id), encodeDirectives(plan), [
    ...wiring.taps,
    ...allDisks.map(({ fd }) => fd),
    ...(wiring.resolver ? [wiring.resolver.tap] : []),
  ]);
  if (trouble) throw new UnikrunError(`Container ${id} can't be started: ${trouble}.`);
  wiring.keep();
}

async function chooseVmm(container: Container, settings: HostSettings) {
  const { accelerator: wanted } = await annotationSettings(container.annotations);
  const probe = probeHost(findQemu(settings.qemu));
  const { accelerator, warning } = chooseAccelerator(probe, wanted ?? settings.accelerator);
  if (warning) await warn(warning);
  return { host: probe.host, accelerator };
}

/** `server`: a name server on a loopback address that the guest is to reach. */
async function wireGuest(
  { id, pid, givenNetns }: Container,
  family: GuestFamily,
  server: string | undefined,
): Promise<Wiring> {
  const wiring = wireNetwork({
    netns: givenNetns ?? `/proc/${pid}/ns/net`,
    containerId: id,
    limit: family.limits.nics,
    ...(server === undefined ? {} : { server }),
  });
  if (wiring.nics.length === 0) {
    await warn(
      `Container ${id}: its network namespace has no interface but lo, so the guest gets no network card.`,
    );
  } else if (server !== undefined && !wiring.resolver) {
    await warn(
      `Container ${id}: its engine's name server is asked by IPv4, and the guest has no IPv4 address, so it can't look up names.`,
    );
  }
  return wiring;
}

function readTraits({ id, rootfs, guest }: Container, family: GuestFamily): KernelTraits {
  using kernel = openImageFile(guest.kernelOnHost ? "/" : rootfs, guest.kernel);
  if (kernel) return family.traits(kernel);
  throw new UnikrunError(`Container ${id} can't be started: its unikernel ${guest.kernel} is gone.`);
}

/** Of a living init's pid there is only one, so no two machines share a uid, and no other account has it. */
const VMM_UIDS = 0x7000_0000;
