/**
 * eBPF programs for traffic control and for cgroups (bpf(2), tc-bpf(8)), in the assembly language of LLVM and of the kernel's verifier
 * (Documentation/bpf/standardization/instruction-set.rst): a statement ends with its line or with ";", a comment begins with "//".
 *
 *     r0 = *(u16 *)skb[12]            // of the packet, in the host's order; needs the context in r6, and ends with 0 past its end
 *     *(u32 *)(r10 - 4) = r7
 *     if w0 != 0x800 goto pass        // w0: the lower half of r0
 *     call redirect
 *     r1 = map 5                      // by its descriptor
 *     pass: r0 = 0; exit
 */
import { dlopen, ptr } from "bun:ffi";
import { check, cString, type Descriptor, errorCode, LIBC, once, owned } from "./libc.ts";

type Table = Readonly<Record<string, number>>;

/** bpf-helpers(7) */
const HELPERS: Table = {
  map_lookup_elem: 1,
  map_update_elem: 2,
  skb_store_bytes: 9,
  l3_csum_replace: 10,
  l4_csum_replace: 11,
  clone_redirect: 13,
  redirect: 23,
  skb_load_bytes: 26,
  csum_diff: 28,
  skb_change_type: 32,
  sk_lookup_udp: 85,
  sk_release: 86,
  skc_lookup_tcp: 99,
  redirect_neigh: 152,
};
const SIZES: Table = { u32: 0x00, u16: 0x08, u8: 0x10 };
const CONDITIONS: Table = { "==": 0x10, ">": 0x20, "!=": 0x50, "&": 0x40 };
const OPERATIONS: Table = { "+": 0x00, "&": 0x50, "<<": 0x60, ">>": 0x70 };
const WIDTHS: Table = { r: 0x05, w: 0x06 };

/** The operands of a statement, by the names that the instruction's fields have. */
type Operands = Readonly<Record<string, string | undefined>>;

const named = (table: Table, name: string | undefined): number => {
  const value = table[name ?? ""];
  if (value === undefined) throw new Error(`there is no ${name}`);
  return value;
};

interface Statement {
  readonly form: RegExp;
  readonly opcode: (operands: Operands) => number;
  /** In the place of a source register: what kind of thing the value is. */
  readonly kind?: number;
}

const PSEUDO_MAP_FD = 1;
/** The second half of an instruction with a value of 64 bits. */
const SECOND_HALF = "…";

const STATEMENTS: readonly Statement[] = [
  { form: /^r(?<to>\d) = map (?<value>\d+)$/, opcode: () => 0x18, kind: PSEUDO_MAP_FD },
  { form: /^…$/, opcode: () => 0 },
  {
    form: /^r0 = \*\((?<size>u\d+) \*\)skb\[(?<value>\d+)\]$/,
    opcode: ({ size }) => 0x20 | named(SIZES, size),
  },
  {
    form: /^r(?<to>\d) = \*\((?<size>u\d+) \*\)\(r(?<from>\d+) (?<offset>[+-] \d+)\)$/,
    opcode: ({ size }) => 0x61 | named(SIZES, size),
  },
  {
    form: /^\*\((?<size>u\d+) \*\)\(r(?<to>\d+) (?<offset>[+-] \d+)\) = (r(?<from>\d)|(?<value>-?\w+))$/,
    opcode: ({ size, from }) => (from ? 0x63 : 0x62) | named(SIZES, size),
  },
  { form: /^r(?<to>\d) = (r(?<from>\d+)|(?<value>-?\w+))$/, opcode: ({ from }) => (from ? 0xbf : 0xb7) },
  {
    form: /^r(?<to>\d) (?<how>\S+)= (?<value>-?\w+)$/,
    opcode: ({ how }) => 0x07 | named(OPERATIONS, how),
  },
  {
    form: /^if (?<width>[rw])(?<to>\d) (?<how>\S+) ([rw](?<from>\d)|(?<value>-?\w+)) goto (?<label>\w+)$/,
    opcode: ({ width, how, from }) => named(WIDTHS, width) | named(CONDITIONS, how) | (from ? 0x08 : 0),
  },
  { form: /^goto (?<label>\w+)$/, opcode: () => 0x05 },
  { form: /^call (?<helper>\w+)$/, opcode: () => 0x85 },
  { form: /^exit$/, opcode: () => 0x95 },
];

/** The instructions, 8 bytes each. Throws an Error that names a statement that is none. */
export function assemble(text: string): Buffer {
  const labels: Record<string, number> = {};
  const statements: string[] = [];
  for (const part of text.replace(/\/\/.*/g, "").split(/[;\n]/)) {
    const [, label, statement = ""] = /^\s*(?:(\w+):)?\s*(.*?)\s*$/.exec(part) ?? [];
    if (label) labels[label] = statements.length;
    if (statement) statements.push(statement);
    if (/ = map /.test(statement)) statements.push(SECOND_HALF);
  }
  const code = Buffer.alloc(8 * statements.length);
  for (const [index, statement] of statements.entries()) {
    writeInstruction(code, index, statement, labels);
  }
  return code;
}

function writeInstruction(code: Buffer, index: number, statement: string, labels: Table): void {
  const at = 8 * index;
  for (const { form, opcode, kind = 0 } of STATEMENTS) {
    const match = form.exec(statement);
    if (!match) continue;
    const operands: Operands = match.groups ?? {};
    const { to = 0, from = kind, offset = "0", value = "0", label, helper } = operands;
    code.writeUInt8(opcode(operands), at);
    code.writeUInt8(Number(to) | (Number(from) << 4), at + 1);
    const distance = label ? named(labels, label) - index - 1 : Number(offset.replace(" ", ""));
    code.writeInt16LE(distance, at + 2);
    code.writeInt32LE(helper ? named(HELPERS, helper) : Number(value) | 0, at + 4);
    return;
  }
  throw new Error(`${statement} is no instruction`);
}

const libc = once(
  () =>
    dlopen(LIBC, {
      syscall: { args: ["i64", "i64", "ptr", "i64"], returns: "i64" },
      setrlimit: { args: ["i32", "ptr"], returns: "i32" },
    }).symbols,
);

/** enum bpf_prog_type */
const TYPES = { sched_cls: 3, cgroup_device: 15 } as const;

/** A program's name has up to 15 letters, digits and "_". Throws an Error with `code`. */
export function loadProgram(name: string, text: string, type: keyof typeof TYPES = "sched_cls"): Descriptor {
  const PROG_LOAD = 5;
  const [code, license] = [assemble(text), cString("Apache-2.0")];
  const attributes = Buffer.alloc(64);
  attributes.writeUInt32LE(TYPES[type], 0);
  attributes.writeUInt32LE(code.length / 8, 4);
  attributes.writeBigUInt64LE(BigInt(ptr(code)), 8);
  attributes.writeBigUInt64LE(BigInt(ptr(license)), 16);
  attributes.write(name, 48);
  return make(PROG_LOAD, attributes);
}

/**
 * What programs remember, in bytes a key and a value: `most` entries, whose memory is taken at once, and of which the least used goes when
 * there are more. A name is as a program's. Throws an Error with `code`.
 */
export function makeLruMap(name: string, sizes: { key: number; value: number; most: number }): Descriptor {
  const [MAP_CREATE, LRU_HASH] = [0, 9];
  const attributes = Buffer.alloc(64);
  [LRU_HASH, sizes.key, sizes.value, sizes.most].forEach(
    (field, index) => void attributes.writeUInt32LE(field, 4 * index),
  );
  attributes.write(name, 28);
  return make(MAP_CREATE, attributes);
}

function make(command: number, attributes: Buffer): Descriptor {
  try {
    return owned(bpf(command, attributes));
  } catch (error) {
    if (errorCode(error) !== "EPERM") throw error;
    // Kernels before 5.11 count all that a user has of these as locked memory.
    const [RLIMIT_MEMLOCK, RLIM_INFINITY] = [8, 2n ** 64n - 1n];
    libc().setrlimit(RLIMIT_MEMLOCK, new BigUint64Array([RLIM_INFINITY, RLIM_INFINITY]));
    return owned(bpf(command, attributes));
  }
}

/** Whether the kernel lets us load programs: to root of a user namespace it does not, as a rule. */
export function mayLoadPrograms(): boolean {
  try {
    loadProgram("unikrun_may", "r0 = 0; exit")[Symbol.dispose]();
    return true;
  } catch {
    return false;
  }
}

/** bpf(2) with a command and its union bpf_attr. Throws an Error with `code`. */
export function bpf(command: number, attributes: Buffer): number {
  const BPF = process.arch === "arm64" ? 280 : 321;
  // A signal may interrupt the verifier.
  for (let patience = 30; ; patience--) {
    try {
      return check(libc().syscall(BPF, command, attributes, attributes.length), "bpf");
    } catch (error) {
      if (errorCode(error) !== "EAGAIN" || patience === 0) throw error;
    }
  }
}
