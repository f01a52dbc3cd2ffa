import type { Directive } from "../../../native/directives.ts";
import { exists } from "../../../native/files.ts";
import { createInit, type LaunchInit } from "../../../native/init.ts";
import { UnikrunError } from "../../error.ts";
import { familyNamed } from "../../guest/detect.ts";
import { decideBoard, isMadeEarly, makeBoard } from "../boot/board.ts";
import { refuseFewPids } from "../boot/pids.ts";
import { argumentsOf, type Found, findInBundle } from "../bundle/bundle.ts";
import { guestMounts } from "../bundle/mounts.ts";
import { givenHostname, givenNetns, hasOwn, namespaceDirectives } from "../bundle/namespaces.ts";
import { tellUnusedLimits } from "../bundle/rlimits.ts";
import { cgroupPaths } from "../cgroup/cgroup.ts";
import { cgroupPath, type SystemdPlace, systemdPlace } from "../cgroup/path.ts";
import { announcePid, type PidReceivers } from "../engines/announce-pid.ts";
import { readProcess } from "../record/alive.ts";
import { writeBrief } from "../record/brief.ts";
import type { BoardRecord, SavedBoard } from "../record/container.ts";
import { type Container, containerFolder, type GuestRecord } from "../record/container.ts";
import { stateDocument } from "../record/status.ts";
import { forget, reserve, writeContainer } from "../record/store.ts";
import { type HostSettings, hostSettings, storeFolder } from "../settings/host.ts";
import type { Spec } from "../spec/oci.ts";
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
  readonly saved?: (family: string) => Promise<SavedBoard>;
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
  const { root, id } = options;
  const bundle = absolute(options.bundle);
  const found = await findInBundle(id, bundle);
  if (!found) return null;
  const { rootfs, spec } = found;
  const settings = await hostSettings();
  const guest = guestRecord({ ...found, id, bundle, settings });
  const { annotations = {} } = spec;
  const saved = await options.saved?.(guest.family);
  const board = await decideBoard({ id, annotations, guest, settings, saved });
  const namespaces = namespaceDirectives(id, spec);
  if (!foreground) checkTerminal(id, spec, options.consoleSocket);

  await using undo = new AsyncDisposableStack();
  reserve(root, id);
  undo.defer(() => forget(root, id));
  const { cgroupsPath, resources = {} } = spec.linux ?? {};
  const place = options.systemdCgroup
    ? systemdPlace({ id, cgroupsPath })
    : { path: cgroupPath({ id, cgroupsPath }) };
  const draft = describe({ options, bundle, rootfs, spec, guest, board });
  // If we are killed from here on, delete --force knows what to look for.
  writeContainer(root, { ...draft, ...newCgroup(place) });
  const { pid, cgroup } = await launchInCgroup({
    id,
    place,
    resources,
    annotations: draft.annotations,
    launch: foreground ?? createInit,
    directives: [
      ...namespaces,
      ["state", containerFolder(root, id)],
      ...processDirectives(spec, options.consoleSocket),
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
  // The VMM starts while the hooks and the engine do their part.
  if (isMadeEarly(board)) await makeBoard(root, container, settings);
  await runCreateHooks(container);
  await tellUnusedLimits(id, spec.process?.rlimits);
  announcePid(id, pid, options);
  undo.move();
  return container;
}

function guestRecord(
  from: Found & { readonly id: string; readonly bundle: string; readonly settings: HostSettings },
): GuestRecord {
  const { id, bundle, spec, guest: found } = from;
  const process = spec.process;
  refuseFewPids(id, spec.linux?.resources?.pids?.limit);
  const memoryLimit = spec.linux?.resources?.memory?.limit;
  const hostname = spec.hostname || givenHostname(spec);
  const record: GuestRecord = {
    family: found.family.name,
    kernel: found.kernel,
    kernelOnHost: found.kernelOnHost,
    kernelIdentity: found.kernelIdentity,
    image: found.image,
    args: argumentsOf(from),
    env: process?.env ?? [],
    cwd: process?.cwd ?? "/",
    mounts: guestMounts(id, bundle, spec),
    store: storeFolder(from.settings),
    ...(found.disks === undefined ? {} : { disks: found.disks }),
    newMounts: hasOwn(spec, "mount"),
    ...(hostname === undefined ? {} : { hostname }),
    ...(found.memory === undefined ? {} : { memory: found.memory }),
    ...(memoryLimit === undefined || memoryLimit <= 0 ? {} : { memoryLimit }),
    ...(process?.apparmorProfile ? { apparmor: process.apparmorProfile } : {}),
    ...(process?.selinuxLabel ? { selinux: process.selinuxLabel } : {}),
  };
  // What the guest can't be told is refused now, not when it starts.
  familyNamed(record.family).bootArguments({ ...record, nics: [], disks: [] });
  return record;
}

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
  const optional = (key: string, value: string | number | undefined): Directive[] =>
    value === undefined || value === "" ? [] : [[key, String(value)]];
  const ownNames = hasOwn(spec, "uts");
  return [
    ...optional("console-socket", consoleSocket),
    ...optional("terminal-size", size && `${size.height}x${size.width}`),
    ...optional("hostname", ownNames ? spec.hostname : undefined),
    ...optional("domainname", ownNames ? spec.domainname : undefined),
    ...optional("apparmor", spec.process?.apparmorProfile),
    ...optional("selinux", spec.process?.selinuxLabel),
    ...optional("oom-score-adj", spec.process?.oomScoreAdj),
    ...Object.entries(spec.linux?.sysctl ?? {}).map(
      ([name, value]) => ["sysctl", `${name.replaceAll(".", "/")}=${value}`] as const,
    ),
  ];
}

function describe(parts: {
  options: CreateOptions;
  bundle: string;
  rootfs: string;
  spec: Spec;
  guest: GuestRecord;
  board: BoardRecord;
}): Container {
  const { spec } = parts;
  const netns = givenNetns(spec);
  return {
    version: 1,
    ociVersion: spec.ociVersion,
    id: parts.options.id,
    bundle: parts.bundle,
    rootfs: parts.rootfs,
    created: new Date().toISOString(),
    annotations: spec.annotations ?? {},
    pid: 0,
    startTime: 0,
    cgroup: {},
    hooks: spec.hooks ?? {},
    guest: parts.guest,
    board: parts.board,
    ...(netns === undefined ? {} : { givenNetns: netns }),
  };
}

/** What of it is not there yet: what is in the rest is not ours to kill. */
function newCgroup(place: { path: string } | SystemdPlace): Pick<Container, "cgroup" | "scope"> {
  const all = Object.entries(cgroupPaths(place.path));
  const missing = all.filter(([, folder]) => !exists(folder));
  const isNew = missing.length === all.length;
  return {
    cgroup: Object.fromEntries(missing),
    ...("unit" in place && isNew ? { scope: place.unit } : {}),
  };
}

async function runCreateHooks(container: Container): Promise<void> {
  const { hooks, pid } = container;
  // runtime.md, State: "creating" is step 2 of the life cycle alone, and hooks are the steps after it.
  const state = stateDocument(container, "created");
  await runHooks({ kind: "prestart", hooks: hooks.prestart, place: { kind: "runtime" }, state });
  await runHooks({ kind: "createRuntime", hooks: hooks.createRuntime, place: { kind: "runtime" }, state });
  await runHooks({
    kind: "createContainer",
    hooks: hooks.createContainer,
    place: { kind: "container", pid },
    state,
  });
}

function absolute(path: string): string {
  const whole = path.startsWith("/") ? path : `${process.cwd()}/${path}`;
  return whole.replace(/(\/\.?)+(?=\/|$)/g, "") || "/";
}
