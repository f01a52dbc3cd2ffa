/**
 * systemd's manager by D-Bus (org.freedesktop.systemd1(5)). Loaded only where --systemd-cgroup asks for it: the library
 * takes 5 ms. It is dbus-native, since that is kept, small, and made of JavaScript alone.
 */
import { createClient } from "dbus-native";
import { exists } from "../../../native/files.ts";
import { outsideUid } from "../../../native/id-maps.ts";
import { usersFolder } from "../../places.ts";

export interface Systemd {
  /** Throws the library's error, with `dbusName`, where systemd refuses. */
  call(member: string, signature: string, body: readonly unknown[]): Promise<unknown>;
  /** The same of a method that queues a job, and waits for that. Throws an Error where the job does not end with "done". */
  job(member: string, signature: string, body: readonly unknown[]): Promise<void>;
  /** The cgroup that its units are in, from the top of the tree: "/" for the host's, as with sd_bus_get_property(3). */
  cgroup(): Promise<string>;
}

/** The manager's sockets: by the bus, and its own where there is no bus daemon. A rootless engine's user has a manager of his own. */
function sockets(): { readonly bus: string; readonly own: string } {
  const folder = usersFolder();
  if (folder === undefined) return { bus: "/run/dbus/system_bus_socket", own: "/run/systemd/private" };
  return { bus: `${folder}/bus`, own: `${folder}/systemd/private` };
}

const MANAGER = {
  destination: "org.freedesktop.systemd1",
  path: "/org/freedesktop/systemd1",
  interface: "org.freedesktop.systemd1.Manager",
};

/** Milliseconds that a job may take; runc waits as long. */
const PATIENCE = 30_000;

/** Whether systemd runs the host (sd_booted(3)). */
export const isBooted = (): boolean => exists("/run/systemd/system");

let connected: Systemd | undefined;

/** One connection for all of a call's questions; it ends with the process. */
export function connectSystemd(): Systemd {
  connected ??= connect();
  return connected;
}

function connect(): Systemd {
  const { bus: daemon, own } = sockets();
  const direct = !exists(daemon);
  // The library says who we are, and whoever listens sees us from outside of our user namespace.
  const uid = outsideUid();
  process.getuid = () => uid;
  // An ordinary socket: one that carries descriptors has a thread of its own, and none are sent.
  const bus = createClient({ socket: direct ? own : daemon, direct, fdTransport: false });
  let broken: Error | undefined;
  bus.connection.on("error", (error: Error) => {
    broken = error;
  });
  const call = async (member: string, signature: string, body: readonly unknown[]): Promise<unknown> => {
    try {
      return await bus.invoke({ ...MANAGER, member, signature, body: [...body] });
    } catch (error) {
      throw broken ?? error;
    }
  };
  return {
    call,
    async cgroup() {
      const body = [MANAGER.interface, "ControlGroup"];
      const value = await bus.invoke({
        ...MANAGER,
        interface: "org.freedesktop.DBus.Properties",
        member: "Get",
        signature: "ss",
        body,
      });
      return String(value);
    },
    async job(member, signature, body) {
      using jobs = watchJobs(bus, direct);
      const path = await call(member, signature, body);
      const result = await jobs.resultOf(String(path));
      if (result !== "done") throw new Error(`its job ended with "${result}"`);
    },
  };
}

type Bus = ReturnType<typeof createClient>;

/** Listens from before a job is queued, since it may end before we know which one it is. */
function watchJobs(bus: Bus, direct: boolean) {
  const results = new Map<string, string>();
  let look = (): void => {};
  const key = bus.mangle(MANAGER.path, MANAGER.interface, "JobRemoved");
  // JobRemoved(u id, o job, s unit, s result)
  const listener = ([, job, , result]: readonly unknown[]): void => {
    results.set(String(job), String(result));
    look();
  };
  bus.signals.on(key, listener);
  // Its answer is not waited for: the bus takes our messages in their order.
  if (!direct) {
    bus.addMatch(`type='signal',interface='${MANAGER.interface}',member='JobRemoved'`).catch(() => {});
  }
  return {
    resultOf: (job: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error("its job does not end")), PATIENCE);
        look = () => {
          const result = results.get(job);
          if (result === undefined) return;
          clearTimeout(timer);
          resolve(result);
        };
        look();
      }),
    [Symbol.dispose]: () => void bus.signals.off(key, listener),
  };
}
