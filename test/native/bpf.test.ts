import test from "ava";
import { assemble, loadProgram } from "../../native/bpf.ts";

const words = (text: string): string[] => assemble(text).toString("hex").match(/.{16}/g) ?? [];

test("statements are the instructions that LLVM makes of them", (t) => {
  t.deepEqual(
    words(`
      r6 = r1
      r0 = *(u16 *)skb[12]
      if w0 != 0x800 goto pass       // one way
      r2 = r10; r2 += -4; r3 = 192
      r3 &= 0xffff; r3 >>= 16
      *(u32 *)(r10 - 4) = r3
      *(u16 *)(r10 - 2) = -1
      r7 = *(u8 *)(r0 + 72)
    again: call redirect
      if r0 == 0 goto again
      if w0 & w7 goto pass
      goto again
      r1 = map 5
    pass:
      r0 = 0; exit`),
    [
      "bf16000000000000",
      "280000000c000000",
      "56000e0000080000",
      "bfa2000000000000",
      "07020000fcffffff",
      "b7030000c0000000",
      "57030000ffff0000",
      "7703000010000000",
      "633afcff00000000",
      "6a0afeffffffffff",
      "7107480000000000",
      "8500000017000000",
      "1500feff00000000",
      "4e70030000000000",
      "0500fcff00000000",
      "1811000005000000",
      "0000000000000000",
      "b700000000000000",
      "9500000000000000",
    ],
  );
});

test("what is no statement, no label and no helper is named", (t) => {
  t.throws(() => assemble("r0 = 0; leave"), { message: "leave is no instruction" });
  t.throws(() => assemble("goto nowhere"), { message: "there is no nowhere" });
  t.throws(() => assemble("call nobody"), { message: "there is no nobody" });
  t.throws(() => assemble("if r0 >= 1 goto out; out: exit"), { message: "there is no >=" });
});

test("the kernel refuses a program that it can't prove to be safe", (t) => {
  t.throws(() => loadProgram("unikrun_test", "r0 = *(u32 *)(r1 + 1000); exit"), { code: "EACCES" });
});
