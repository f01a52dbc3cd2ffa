import test from "ava";
import { findMultiboot, multibootTrouble } from "../../runtime/guest/file/multiboot.ts";
import { makeKernel, patched } from "./kernels.ts";

test("a multiboot header is found in the first 8 KiB, with its load addresses", (t) => {
  t.deepEqual(findMultiboot(makeKernel()), {
    offset: 4096,
    flags: 0x10003,
    addresses: { header: 0x100000, load: 0x100000, loadEnd: 0x102000, bssEnd: 0x103000, entry: 0x100040 },
  });
  const far = Buffer.concat([Buffer.alloc(8192), makeKernel().subarray(4096)]);
  t.is(findMultiboot(far), undefined);
});

test("the magic number without its checksum, or on an odd place, is no header", (t) => {
  t.is(findMultiboot(patched(makeKernel(), { 4104: [0] })), undefined);
  t.is(findMultiboot(makeKernel().subarray(2)), undefined);
  const decoy = patched(makeKernel(), { 512: [0x02, 0xb0, 0xad, 0x1b] });
  t.is(findMultiboot(decoy)?.offset, 4096, "the right one is behind a wrong one");
});

test("load addresses that do not fit the file are refused", (t) => {
  const bytes = makeKernel();
  const header = findMultiboot(bytes);
  if (!header?.addresses) return t.fail();
  const { addresses } = header;
  t.is(multibootTrouble(header, bytes.length), null);
  t.regex(multibootTrouble(header, 0x2fff) ?? "", /truncated: it has 12287 bytes.*12288/);
  const changed = (change: Partial<typeof addresses>) =>
    multibootTrouble({ ...header, addresses: { ...addresses, ...change } }, bytes.length) ?? "";
  t.regex(changed({ header: 0x102000 }), /contradict/);
  t.regex(changed({ loadEnd: 0x90000 }), /contradict/);
  t.regex(changed({ bssEnd: 0x101000 }), /contradict/);
  t.regex(changed({ entry: 0x200000 }), /entry point/);
  const low = { header: 0x10000, load: 0x10000, loadEnd: 0x12000, bssEnd: 0, entry: 0x10040 };
  t.regex(changed(low), /first MiB of memory, where the firmware is/);
  t.is(changed({ loadEnd: 0, bssEnd: 0 }), "", "0 is: as much as there is");
  t.regex(multibootTrouble({ offset: 4096, flags: 3 }, bytes.length) ?? "", /no load addresses/);
});
