import test from "ava";
import { UnikrunError } from "../../runtime/error.ts";
import { kernelLine } from "../../runtime/machine/kernel.ts";

test("a command line in memory is what QEMU would have composed", (t) => {
  t.is(kernelLine('{"a":"ü"}'), '/guest/kernel {"a":"ü"}');
});

test("a command line in memory has a longest size, and no NUL in it", (t) => {
  const room = 0x80000 - 20 - 1 - "/guest/kernel ".length;
  t.is(kernelLine("x".repeat(room)).length, 524267);
  t.throws(() => kernelLine("x".repeat(room + 1)), {
    instanceOf: UnikrunError,
    message: /can't be longer than 524267 bytes, and this one has 524268: shorten it\.$/,
  });
  t.throws(() => kernelLine("a\0b"), { instanceOf: UnikrunError, message: /can't have a NUL/ });
});
