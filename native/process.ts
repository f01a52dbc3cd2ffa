/** Processes: namespaces, signals, memory files, execve. */
import { dlopen, ptr } from "bun:ffi";
import { writeAll } from "./files.ts";
import { check, cString, LIBC, O_RDONLY, once, openPath, owned } from "./libc.ts";
import { inUserNamespace } from "./user-namespace.ts";

const libc = once(
  () =>
    dlopen(LIBC, {
      setns: { args: ["i32", "i32"], returns: "i32" },
      kill: { args: ["i32", "i32"], returns: "i32" },
      memfd_create: { args: ["ptr", "u32"], returns: "i32" },
      lseek: { args: ["i32", "i64", "i32"], returns: "i64" },
      execve: { args: ["ptr", "ptr", "ptr"], returns: "i32" },
      isatty: { args: ["i32"], returns: "i32" },
      signal: { args: ["i32", "i64"], returns: "i64" },
      prctl: { args: ["i32", "u64", "u64", "u64", "u64"], returns: "i32" },
      syscall: { args: ["i64", "i64", "i64"], returns: "i64" },
      getrlimit: { args: ["i32", "ptr"], returns: "i32" },
      setrlimit: { args: ["i32", "ptr"], returns: "i32" },
    }).symbols,
);

/** Runs `action` with this thread, which is JavaScript's, in the network namespace `path`, and comes back. */
export const inNetworkNamespace = <Result>(path: string, action: () => Result): Result =>
  inNamespace("net", path, action);

/**
 * The same for a namespace of that kind, as /proc/PID/ns names it. From a user namespace nobody comes back into the host's, as rootless
 * Podman has us called in: then the rest of this process's life is in the last one that it was in.
 */
export function inNamespace<Result>(kind: "net" | "uts", path: string, action: () => Result): Result {
  using home = owned(openPath(`/proc/thread-self/ns/${kind}`, O_RDONLY));
  using there = owned(openPath(path, O_RDONLY));
  check(libc().setns(there.fd, 0), `setns ${path}`);
  try {
    return action();
  } finally {
    goBack(home.fd);
  }
}

function goBack(home: number): void {
  try {
    check(libc().setns(home, 0), "setns back");
  } catch (error) {
    if (!inUserNamespace()) throw error;
  }
}

export function sendSignal(pid: number, signal: number): void {
  check(libc().kill(pid, signal), `kill ${pid}`);
}

/** A descriptor of a process (pidfd_open(2), Linux 5.3). */
export function openProcess(pid: number): number {
  const PIDFD_OPEN = 434;
  return check(libc().syscall(PIDFD_OPEN, pid, 0), `pidfd_open ${pid}`);
}

/** An anonymous file that can be executed, with `content` in it, at offset 0. */
export function memoryFile(name: string, content: Uint8Array): number {
  const MFD_CLOEXEC = 1;
  const MFD_EXEC = 0x10;
  const SEEK_SET = 0;
  let fd = libc().memfd_create(cString(name), MFD_CLOEXEC | MFD_EXEC);
  // Kernels before 6.3 do not know MFD_EXEC, and give executable files without it.
  if (fd < 0) fd = check(libc().memfd_create(cString(name), MFD_CLOEXEC), "memfd_create");
  writeAll(fd, content);
  check(libc().lseek(fd, 0, SEEK_SET), "lseek");
  return fd;
}

/** The soft limit on open files, as far as the hard one goes. */
export function limitFiles(soft: bigint): void {
  const RLIMIT_NOFILE = 7;
  const limit = new BigUint64Array(2);
  check(libc().getrlimit(RLIMIT_NOFILE, limit), "getrlimit");
  const [, hard = 0n] = limit;
  check(libc().setrlimit(RLIMIT_NOFILE, new BigUint64Array([soft < hard ? soft : hard, hard])), "setrlimit");
}

export const isTerminal = (fd: number): boolean => libc().isatty(fd) === 1;

/** Ignores a signal, or has it do what it does by default. */
export function setIgnored(signal: number, isIgnored: boolean): void {
  const [SIG_DFL, SIG_IGN] = [0, 1];
  libc().signal(signal, isIgnored ? SIG_IGN : SIG_DFL);
}

/** Puts `program` in this process's place; arguments, its own name first, and variables are bytes without NUL characters. */
export function execute(program: string, args: readonly Buffer[], environment: readonly Buffer[]): never {
  const ended = (word: Buffer): Buffer => Buffer.concat([word, Buffer.alloc(1)]);
  const [argv, envp] = [args.map(ended), environment.map(ended)];
  check(libc().execve(cString(program), vectorOf(argv), vectorOf(envp)), `execve ${program}`);
  throw new Error(`execve ${program} returned with ${argv.length + envp.length} strings`);
}

/** The texts must outlive it. */
const vectorOf = (texts: readonly Buffer[]): BigUint64Array =>
  new BigUint64Array([...texts.map((text) => BigInt(ptr(text))), 0n]);

/** Makes this process the parent of orphans below it (PR_SET_CHILD_SUBREAPER). */
export function becomeSubreaper(): void {
  const PR_SET_CHILD_SUBREAPER = 36;
  check(libc().prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0), "prctl");
}
