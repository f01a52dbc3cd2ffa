import test from "ava";
import type { Boot, BootNic } from "../../runtime/guest/guest.ts";
import { rumprunConfig, SINGLE_NETWORK } from "../../runtime/guest/rumprun/config.ts";

const config = (boot: Partial<Boot>) =>
  rumprunConfig({ args: ["prog"], env: [], cwd: "/", nics: [], disks: [], ...boot });

const text = (boot: Partial<Boot>): string => config(boot).commandLine;

const nic = (addresses: BootNic["addresses"], gateways: BootNic["gateways"] = []): BootNic => ({
  mac: "02:42:ac:11:00:02",
  mtu: 1500,
  addresses,
  gateways,
});

const v4 = (address: string, prefix = 16) => ({ family: 4 as const, address, prefix });
const v6 = (address: string, prefix = 64) => ({ family: 6 as const, address, prefix });

test("simple arguments stand on cmdline, environment variables are repeated keys", (t) => {
  t.is(
    text({ args: ["/hello.bin", "7", "a,b", "{x}"], env: ["A=b c", "B=", "C=1=2"], hostname: "box" }),
    '{"cmdline":"/hello.bin 7 a,b {x}","env":"A=b c","env":"B=","env":"C=1=2","hostname":"box"}',
  );
});

test("arguments with white space or quotes, and empty ones, go by rc, as they are", (t) => {
  t.is(text({ args: ["p", "a b"] }), '{"rc":[{"bin":"p","argv":["a b"]}]}');
  t.is(text({ args: ["p", ""] }), '{"rc":[{"bin":"p","argv":[""]}]}');
  t.is(text({ args: ["p", "it's", "x"] }), '{"rc":[{"bin":"p","argv":["it\'s","x"]}]}');
  t.is(text({ args: ["p", "a\nb\tc\x01ü"] }), '{"rc":[{"bin":"p","argv":["a\nb\tc\x01ü"]}]}');
  t.is(
    text({ args: ["my prog"] }),
    '{"rc":[{"bin":"my prog","argv":[]}]}',
    "argv even if empty: without it the guest crashes",
  );
});

test("what the configuration can't carry is refused, named by number or name", (t) => {
  t.throws(() => text({ args: ["p", "x", 'say "hi"'] }), { message: /argument 2: .*the character ";/ });
  t.throws(() => text({ args: ["p", "a\\b"] }), { message: /argument 1: .*the character \\;/ });
  t.throws(() => text({ args: ["p", "a\0b"] }), { message: /argument 1: .*a NUL;/ });
  t.throws(() => text({ args: ['"p"'] }), { message: /the program's name/ });
  t.throws(() => text({ env: ['GREETING="hi"'] }), { message: /environment variable GREETING/ });
  t.throws(() => text({ env: ["A=1", "NOTHING"] }), { message: /process\.env\[1\] .*NAME=VALUE/ });
  t.throws(() => text({ env: ["=x"] }), { message: /NAME=VALUE/ });
  t.throws(() => text({ hostname: 'a"b' }), { message: /host name/ });
  t.throws(() => text({ disks: [{ index: 0, mountpoint: '/a"', readOnly: true }] }), {
    message: /mount point "\/a\\"" of disk 0/,
  });
});

test("what is refused may be a secret, and is not shown", (t) => {
  const of = (boot: Parameters<typeof text>[0]): string => String(t.throws(() => text(boot)).message);
  for (const secret of ['sesame"', "sesame\\", "sesame\0", "sesame ROOTFSCFG="]) {
    t.notRegex(of({ args: ["p", secret] }), /sesame/);
    t.notRegex(of({ env: [`TOKEN=${secret}`] }), /sesame/);
  }
  t.notRegex(of({ env: ["sesame"] }), /sesame/);
});

test("no argument or variable can make the guest read its configuration elsewhere", (t) => {
  t.throws(() => text({ args: ["p", "_RUMPRUN_ROOTFSCFG=/x"] }), {
    message: /argument 1: ROOTFSCFG= in it would make the guest look/,
  });
  t.throws(() => text({ env: ["X=_RUMPRUN_ROOTFSCFG=/x"] }), { message: /environment variable X:/ });
});

test("a kernel takes system calls where it is to, and where nobody but us says so", (t) => {
  t.is(
    text({ env: ["A=1"], proxyPort: 28671 }),
    '{"cmdline":"prog","env":"A=1","env":"RUMPRUN_SYSPROXY=tcp://0.0.0.0:28671"}',
  );
  t.throws(() => text({ env: ["RUMPRUN_SYSPROXY=tcp://0:1"] }), {
    message: /is not told the environment variable RUMPRUN_SYSPROXY: .*take it out\.$/,
  });
  t.notThrows(() => text({ env: ["RUMPRUN_SYSPROXY_LOG=1"] }));
});

test("what is too long for the command line stands in a file on a first disk of its own", (t) => {
  const frame = '/guest/kernel {"cmdline":"p "}'.length;
  t.is(text({ args: ["p", "x".repeat(4095 - frame)] }).length, 4095 - "/guest/kernel ".length);
  const disks = [{ index: 0, mountpoint: "/data", readOnly: true }];
  const { commandLine, firstDisk } = config({ args: ["p", "x".repeat(4096 - frame)], disks });
  t.is(commandLine, `_RUMPRUN_ROOTFSCFG=${firstDisk?.path}`);
  t.regex(firstDisk?.text ?? "", /^\{"cmdline":"p x+",.*"path":"\/dev\/ld1a".*"mountpoint":"\/data"\}\}$/);
});

test("more than a file may have is refused, with what is longest", (t) => {
  t.throws(() => text({ args: ["p", "ü".repeat(20_000)], env: [`BIG=${"y".repeat(30_000)}`] }), {
    message:
      /more than 65535 bytes.*argument 1, 40000 bytes; the environment variable BIG, 30004 bytes; the program's name, 1 bytes/,
  });
});

test("every address of every card is told, with one default route a family", (t) => {
  const nics = [
    nic(
      [v4("172.17.0.2"), v4("10.1.0.5", 24), v6("fe80::42"), v6("fd00::2")],
      [
        { family: 4, address: "10.1.0.1" },
        { family: 6, address: "fd00::1" },
      ],
    ),
    nic([v4("172.18.0.2")], [{ family: 4, address: "172.18.0.1" }]),
  ];
  t.is(
    text({ nics }),
    '{"cmdline":"prog",' +
      '"net":{"if":"vioif0","type":"inet","method":"static","addr":"172.17.0.2","mask":"16"},' +
      '"net":{"if":"vioif0","type":"inet","method":"static","addr":"10.1.0.5","mask":"24","gw":"10.1.0.1"},' +
      '"net":{"if":"vioif0","type":"inet6","method":"static","addr":"fd00::2","mask":"64","gw":"fd00::1"},' +
      '"net":{"if":"vioif1","type":"inet","method":"static","addr":"172.18.0.2","mask":"16"}}',
  );
});

test("the default route is the second card's where the first has none", (t) => {
  const routed = nic([v4("172.18.0.2")], [{ family: 4, address: "172.18.0.1" }]);
  t.regex(text({ nics: [nic([v4("172.17.0.2")]), routed] }), /"vioif1"[^}]*"gw":"172\.18\.0\.1"/);
});

test("a gateway that the guest could not reach, and would not boot with, is refused", (t) => {
  const offSubnet = nic([v4("10.0.0.2", 32)], [{ family: 4, address: "169.254.1.1" }]);
  t.throws(() => text({ nics: [offSubnet] }), { message: /gateway 169\.254\.1\.1.*subnet/ });
  const linkLocal = nic([v6("fe80::2"), v6("fd00::2")], [{ family: 6, address: "fe80::1" }]);
  t.throws(() => text({ nics: [linkLocal] }), { message: /gateway fe80::1/ });
});

test("disks with a mount point are mounted, outer ones first; others are left alone", (t) => {
  const disks = [
    { index: 0, mountpoint: "/data/inner", readOnly: true },
    { index: 1, readOnly: false },
    { index: 2, mountpoint: "/data", readOnly: false },
  ];
  t.is(
    text({ disks }),
    '{"cmdline":"prog",' +
      '"blk":{"source":"dev","path":"/dev/ld2a","fstype":"blk","mountpoint":"/data"},' +
      '"blk":{"source":"dev","path":"/dev/ld0a","fstype":"blk","mountpoint":"/data/inner"}}',
  );
  t.throws(() => text({ disks: [{ index: 3, mountpoint: "data", readOnly: true }] }), {
    message: /disk 3.*absolute path/,
  });
});

test("a kernel of 2015 is told one address, IPv4 if there is one, and refused on two networks", (t) => {
  const both = nic(
    [v6("fd00::2"), v4("172.17.0.2")],
    [
      { family: 4, address: "172.17.0.1" },
      { family: 6, address: "fd00::1" },
    ],
  );
  t.is(
    text({ nics: [both], knows: new Set([SINGLE_NETWORK]) }),
    '{"cmdline":"prog","net":{"if":"vioif0","type":"inet","method":"static","addr":"172.17.0.2","mask":"16","gw":"172.17.0.1"}}',
  );
  t.throws(() => text({ nics: [both, nic([v4("172.18.0.2")])], knows: new Set([SINGLE_NETWORK]) }), {
    message: /of 2015 and can be told of one network only/,
  });
});
