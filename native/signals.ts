/** Signals by number on Linux (signal(7)); the same on x86-64 and arm64. */
export const SIGNALS = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGILL: 4,
  SIGTRAP: 5,
  SIGABRT: 6,
  SIGBUS: 7,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGUSR1: 10,
  SIGSEGV: 11,
  SIGUSR2: 12,
  SIGPIPE: 13,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGSTKFLT: 16,
  SIGCHLD: 17,
  SIGCONT: 18,
  SIGSTOP: 19,
  SIGTSTP: 20,
  SIGTTIN: 21,
  SIGTTOU: 22,
  SIGURG: 23,
  SIGXCPU: 24,
  SIGXFSZ: 25,
  SIGVTALRM: 26,
  SIGPROF: 27,
  SIGWINCH: 28,
  SIGIO: 29,
  SIGPWR: 30,
  SIGSYS: 31,
} as const;

/** Whether it ends a container that has no handler for it, unless it is SIGKILL, of which nobody hears (init/ending.c, signal(7)). */
export const isTerminating = (signal: number): boolean => !OTHERS.has(signal);

const OTHERS: ReadonlySet<number> = new Set([
  ...[SIGNALS.SIGCHLD, SIGNALS.SIGCONT, SIGNALS.SIGURG, SIGNALS.SIGWINCH, SIGNALS.SIGPIPE, SIGNALS.SIGTSTP],
  ...[SIGNALS.SIGTTIN, SIGNALS.SIGTTOU, SIGNALS.SIGSTOP, SIGNALS.SIGKILL, 0],
]);

export const { SIGKILL, SIGPIPE, SIGXFSZ } = SIGNALS;

const OTHER_NAMES: Readonly<Record<string, number>> = { SIGIOT: 6, SIGCLD: 17, SIGPOLL: 29 };

/** The number of a signal given by name, with or without SIG, or by number (1 to 64); undefined for anything else. */
export function signalNumber(signal: string): number | undefined {
  if (/^\d+$/.test(signal)) {
    const number = Number(signal);
    return number >= 1 && number <= 64 ? number : undefined;
  }
  const name = signal.toUpperCase().replace(/^(?!SIG)/, "SIG");
  const realtime = /^SIGRTM(IN|AX)([+-]\d+)?$/.exec(name);
  if (realtime) {
    const number = (realtime[1] === "IN" ? 34 : 64) + Number(realtime[2] ?? 0);
    return number >= 34 && number <= 64 ? number : undefined;
  }
  return (SIGNALS as Readonly<Record<string, number>>)[name] ?? OTHER_NAMES[name];
}
