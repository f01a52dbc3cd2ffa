import type { Directive } from "../../../native/directives.ts";
import { createInit, type LaunchInit } from "../../../native/init.ts";
import { UnikrunError } from "../../error.ts";
import type { Board } from "../../machine/board.ts";
import { probeHost } from "../../machine/probe.ts";
import { findQemu, type Host } from "../../machine/qemu.ts";
import { usersFolder } from "../../places.ts";
import { passed } from "../../steps.ts";
import { decideBoard, makeBoard } from "../boot/board.ts";
import { type Found, findInBundle } from "../bundle/bundle.ts";
import { holdSources } from "../bundle/hold.ts";
import { hasOwn, namespaceDirectives } from "../bundle/namespaces.ts";
import { tellUnusedLimits } from "../bundle/rlimits.ts";
import { sysctlDirectives } from "../bundle/sysctls.ts";
import { usersOf } from "../bundle/users.ts";
import { deviceRules } from "../cgroup/devices.ts";
import { cgroupPath, systemdPlace } from "../cgroup/path.ts";
import { keepUsersFolder } from "../delegate/rootless.ts";
import { announcePid, type PidReceivers } from "../engines/announce-pid.ts";
import { readProcess } from "../record/alive.ts";
import { writeBrief } from "../record/brief.ts";
import { type BoardRecord, type Container, containerFolder } from "../record/container.ts";
import { forget, reserve, writeContainer } from "../record/store.ts";
import { logCall, writeCall } from "../record/trace.ts";
import { hostSettings } from "../settings/host.ts";
import type { Spec } from "../spec/oci.ts";
import { draftOf, guestRecord, newCgroup } from "./draft.ts";
import { endInit } from "./end.ts";
import { runHooks } from "./hooks.ts";
import { launchInCgroup } from "./launch.ts";

export interface CreateOptions extends PidReceivers {
  readonly root: string;
  readonly id: string;
  readonly bundle: string;
  readonly consoleSocket?: string;
  readonly systemdCgroup: boolean;
  /** The machine that its guest was saved on, asked for once it is known to be a unikernel of that family. */
  readonly saved?: (family: string) => Promise<Board>;
}

/**
 * Makes a container whose init waits for `start` (runtime.md, Lifecycle 1-5).
 * Returns null, with nothing done, where the bundle holds no unikernel: another runtime is for it.
 * A create that fails leaves nothing behind. `foreground` starts init where somebody waits for it.
 */
export async function createContainer(
  options: CreateOptions,
  foreground?: LaunchInit,
): Promise<Container | null> {
  const { id } = options;
  const bundle = absolute(options.bundle);
  const found = await findInBundle(id, bundle);
  if (!found) return null;
  passed("found", `${found.guest.family.name} ${found.guest.kernel}`);
  try {
    return await createFound(options, bundle, found, foreground);
  } catch (error) {
    await logCall(id, "create", error);
    throw error;
  }
}

async function createFound(
  options: CreateOptions,
  bundle: string,
  found: Found,
  foreground: LaunchInit | undefined,
): Promise<Container> {
  const { root, id } = options;
  const { rootfs, spec } = found;
  const { family, machine } = found.guest;
  const settings = await hostSettings();
  const users = usersOf(id, spec);
  const asked = guestRecord({ ...found, id, bundle, settings, users: users?.maps });
  using held = holdSources(id, asked.mounts);
  const devices = deviceRules(spec.linux?.resources?.devices);
  const mayHaveDevice = held.mounts.some(({ source, held: own }) => source !== undefined && !own);
  using own = users && (await import("../bundle/own-place.ts")).takePlace(users.maps);
  const guest = {
    ...asked,
    mounts: held.mounts,
    ...(mayHaveDevice ? { devices } : {}),
    ...(own ? { place: own.place } : {}),
  };
  const lent = [...held.descriptors, ...(own ? [own.fd] : [])];
  const saved = await options.saved?.(guest.family);
  const pidsLimit = spec.linux?.resources?.pids?.limit;
  const about = { root, id, rootfs, family, guest };
  const { board, host } = await decide({ ...about, machine, settings, pidsLimit, saved });
  passed("decided", board.tender === undefined ? board.accelerator : "tender");
  const namespaces = namespaceDirectives(id, spec);
  const sysctls = sysctlDirectives(id, spec);
  if (!foreground) checkTerminal(id, spec, options.consoleSocket);

  await using undo = new AsyncDisposableStack();
  keepUsersFolder(root);
  reserve(root, id);
  undo.defer(() => forget(root, id));
  const { cgroupsPath, resources = {} } = spec.linux ?? {};
  const place = options.systemdCgroup
    ? systemdPlace({ id, cgroupsPath, ...(await usersManager(id)) })
    : { path: cgroupPath({ id, cgroupsPath }) };
  const draft = draftOf({ id, bundle, rootfs, spec, guest, board });
  // If we are killed from here on, delete --force knows what to look for.
  writeContainer(root, { ...draft, ...newCgroup(place) });
  const { pid, cgroup } = await launchInCgroup({
    id,
    place,
    resources,
    annotations: draft.annotations,
    launch: foreground ?? createInit,
    lent,
    directives: [
      ...namespaces,
      ...(users?.directives ?? []),
      ["state", containerFolder(root, id)],
      ["held", String(lent.length)],
      ...processDirectives(spec, options.consoleSocket),
      ...sysctls,
    ],
    undo,
  });
  const container = {
    ...draft,
    cgroup: cgroup.paths,
    ...("unit" in place ? { scope: place.unit } : {}),
    pid,
    startTime: readProcess(pid)?.startTime ?? 0,
  };
  undo.defer(() => endInit(container));
  writeContainer(root, container);
  writeBrief(containerFolder(root, id), container);
  passed("launched");
  // The VMM starts while the hooks and the engine do their part.
  if (host) await makeBoard({ root, container, family, host });
  if (host) passed("ordered");
  await runHooks(container, "prestart");
  await runHooks(container, "createRuntime");
  await runHooks(container, "createContainer");
  await tellUnusedLimits(id, spec.process?.rlimits);
  announcePid(id, pid, options);
  undo.move();
  await writeCall(root, id, "create");
  return container;
}

/** What runs its guest; without a host nothing does before the start. What few containers ask for is loaded for those. */
async function decide(
  options: Pick<CreateOptions, "root" | "id"> &
    Omit<Parameters<typeof decideBoard>[0], "board" | "vmm"> & { rootfs: string },
): Promise<{ board: BoardRecord; host?: Host }> {
  const { root, id, rootfs, family, guest, settings, saved } = options;
  const kind = family.board;
  if (kind.loader === "tender") {
    const { decideTender } = await import("../boot/tender.ts");
    return { board: decideTender({ id, family, guest, board: kind, settings }) };
  }
  const vmm = probeHost(findQemu(settings.qemu));
  const board = await decideBoard({ ...options, board: kind, vmm });
  if (!guest.warm || saved) return { board, host: vmm.host };
  const { boardForTemplate } = await import("../warm/resume.ts");
  return { board: boardForTemplate({ root, id, rootfs, guest, board }), host: vmm.host };
}

/** A rootless engine's scopes are those of its user's manager. */
const usersManager = async (id: string) =>
  usersFolder() === undefined ? {} : { top: await (await import("../cgroup/scope.ts")).managersCgroup(id) };

function checkTerminal(id: string, spec: Spec, consoleSocket: string | undefined): void {
  const terminal = spec.process?.terminal ?? false;
  if (terminal && consoleSocket === undefined) {
    throw new UnikrunError(
      `Container ${id}: process.terminal is true, so create needs --console-socket to hand the terminal to.`,
    );
  }
  if (!terminal && consoleSocket !== undefined) {
    throw new UnikrunError(
      `Container ${id}: --console-socket was given, but process.terminal in config.json is not true.`,
    );
  }
}

/** What of the process settings concerns init itself. */
function processDirectives(spec: Spec, consoleSocket: string | undefined): Directive[] {
  const size = spec.process?.consoleSize;
  const optional = (word: Directive[0], value: string | number | undefined): Directive[] =>
    value === undefined || value === "" ? [] : [[word, String(value)]];
  const ownNames = hasOwn(spec, "uts");
  return [
    ...optional("console-socket", consoleSocket),
    ...optional("terminal-size", size && `${size.height}x${size.width}`),
    ...optional("hostname", ownNames ? spec.hostname : undefined),
    ...optional("domainname", ownNames ? spec.domainname : undefined),
    ...optional("apparmor", spec.process?.apparmorProfile),
    ...optional("selinux", spec.process?.selinuxLabel),
    ...optional("oom-score-adj", spec.process?.oomScoreAdj),
  ];
}

function absolute(path: string): string {
  const whole = path.startsWith("/") ? path : `${process.cwd()}/${path}`;
  return whole.replace(/(\/\.?)+(?=\/|$)/g, "") || "/";
}
