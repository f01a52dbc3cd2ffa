/** QEMU by hand, with our firmware and the probe guest, and guest memory that the test can write: a machine that is made and waits. */
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { findMultiboot, multibootImage } from "../../runtime/guest/file/multiboot.ts";
import { boardArguments } from "../../runtime/machine/command-line.ts";
import { kernelLine } from "../../runtime/machine/kernel.ts";
import { OPEN_SLOTS } from "../../runtime/machine/pci.ts";
import { probe, repository } from "./harness.ts";

export interface BareMachine extends AsyncDisposable {
  /** A command of QMP; its `return`. Throws what QEMU says where it is refused. */
  ask(execute: string, given?: object): Promise<unknown>;
  /** Gives the guest's kernel a command line as the container's init does (native/init/guest/guest_memory.c). */
  tell(commandLine: string): void;
  /** Writes at a physical address of the guest's. */
  write(address: number, bytes: Uint8Array): void;
  read(address: number, length: number): Buffer;
  /** Bytes of the host's memory that the guest's takes. */
  taken(): number;
  /** Lets it run until its console has such text or it ends, and returns what the console has. */
  run(until: RegExp): Promise<string>;
}

/** Where the firmware looks for what it is to do (native/firmware/layout.h). */
export const ORDER_ADDRESS = 0x10000;

const MIB = 1 << 20;

/** `kernel`: null for none in its memory. */
export function makeMachine({
  memoryMiB = 64,
  kernel = readFileSync(probe),
  args = [],
}: {
  memoryMiB?: number;
  kernel?: Buffer | null;
  args?: readonly string[];
}): BareMachine {
  const folder = mkdtempSync(`${tmpdir()}/unikrun-machine-`);
  const [memory, console] = [`${folder}/memory`, `${folder}/console`];
  writeFileSync(memory, "");
  truncateSync(memory, memoryMiB * MIB);
  const backend = `memory-backend-file,id=ram,size=${memoryMiB}M,mem-path=${memory},share=on`;
  const vmm = Bun.spawn(
    [
      "qemu-system-x86_64",
      ...[
        ...boardArguments({ machine: "pc", acpi: false }, "ram"),
        "-object",
        backend,
        "-m",
        `${memoryMiB}M`,
      ],
      ...[
        "-accel",
        "tcg,tb-size=16",
        "-nodefaults",
        "-no-user-config",
        "-no-reboot",
        "-display",
        "none",
        "-S",
      ],
      ...["-serial", `file:${console}`, "-qmp", "stdio", "-bios", `${repository}/build/firmware.bin`],
      ...args,
    ],
    { stdin: "pipe", stdout: "pipe", stderr: "inherit" },
  );
  const lines = linesOf(vmm.stdout);
  const ask = async (execute: string, given?: object): Promise<unknown> => {
    vmm.stdin.write(`${JSON.stringify({ execute, arguments: given })}\n`);
    vmm.stdin.flush();
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error("QEMU has ended");
      const answer = JSON.parse(value);
      if (answer.error) throw new Error(answer.error.desc);
      if ("return" in answer) return answer.return;
    }
  };
  const ready = ask("qmp_capabilities").then(() => ask(OPEN_SLOTS.execute, OPEN_SLOTS.arguments));
  const write = (address: number, bytes: Uint8Array): void => {
    if (memoryMiB * MIB < address + bytes.length) throw new Error("the machine has no memory there");
    const file = openSync(memory, "r+");
    writeSync(file, bytes, 0, bytes.length, address);
    closeSync(file);
  };
  const order = (entry: number, commandLine: string): void => {
    const text = Buffer.from(`${kernelLine(commandLine)}\0`);
    const words = Buffer.concat([Buffer.from("UKBT")], 20);
    words.writeUInt32LE(entry, 4);
    words.writeUInt32LE(text.length - 1, 8);
    write(ORDER_ADDRESS, Buffer.concat([words, text]));
  };
  const header = kernel && findMultiboot(kernel);
  const image = header && multibootImage(header, kernel.length);
  for (const { offset, size, address } of image?.pieces ?? [])
    write(address, kernel?.subarray(offset, offset + size) ?? Buffer.alloc(0));
  if (image) order(image.entry, "{}");
  return {
    async ask(execute, given) {
      await ready;
      return ask(execute, given);
    },
    tell: (commandLine) => order(image?.entry ?? 0, commandLine),
    write,
    read(address, length) {
      const [file, bytes] = [openSync(memory, "r"), Buffer.alloc(length)];
      readSync(file, bytes, 0, length, address);
      closeSync(file);
      return bytes;
    },
    taken: () => statSync(memory).blocks * 512,
    async run(until) {
      await ready;
      await ask("cont");
      const deadline = Date.now() + 20_000;
      for (;;) {
        const text = readFileSync(console, "utf8").replaceAll("\r", "");
        if (until.test(text) || vmm.exitCode !== null || Date.now() > deadline) return text;
        await Bun.sleep(20);
      }
    },
    async [Symbol.asyncDispose]() {
      vmm.kill("SIGKILL");
      await vmm.exited;
      rmSync(folder, { recursive: true });
    },
  };
}

async function* linesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const piece of stream) {
    const lines = (rest + decoder.decode(piece, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    yield* lines.filter((line) => line.trim() !== "");
  }
}
