import test from "ava";
import { UnikrunError } from "../../runtime/error.ts";
import { COMMAND_LINE_ADDRESS, commandLineBlob } from "../../runtime/machine/kernel-line.ts";

test("a command line in memory is a word, a length, what QEMU would have composed, and a NUL", (t) => {
  t.is(COMMAND_LINE_ADDRESS, 0x10000);
  t.deepEqual(
    Buffer.from(commandLineBlob('{"a":"ü"}')),
    Buffer.from('UKCL\x18\0\0\0/guest/kernel {"a":"ü"}\0', "utf8"),
  );
});

test("a command line in memory has a longest size, and no NUL in it", (t) => {
  const room = 0x80000 - 8 - 1 - "/guest/kernel ".length;
  t.is(commandLineBlob("x".repeat(room)).length, 0x80000);
  t.throws(() => commandLineBlob("x".repeat(room + 1)), {
    instanceOf: UnikrunError,
    message: /can't be longer than 524279 bytes, and this one has 524280: shorten it\.$/,
  });
  t.throws(() => commandLineBlob("a\0b"), { instanceOf: UnikrunError, message: /can't have a NUL/ });
});
