/** Tap devices (Documentation/networking/tuntap.rst). */
import { dlopen } from "bun:ffi";
import { check, type Descriptor, LIBC, O_RDWR, once, openPath, owned } from "./libc.ts";

const libc = once(
  () =>
    dlopen(LIBC, {
      ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
    }).symbols,
);

const TUNSETIFF = 0x400454ca;
const IFF_TAP = 0x0002;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;

/**
 * Makes a tap in this thread's network namespace; it is gone with the last copy of its descriptor.
 * With `headers` each frame has struct virtio_net_hdr before it, as QEMU wants it.
 */
export function openTap(name: string, { headers }: { headers: boolean }): Descriptor {
  const IFNAMSIZ = 16;
  const request = Buffer.alloc(40);
  if (request.write(name) >= IFNAMSIZ) throw new Error(`the tap name ${name} is longer than 15 characters`);
  request.writeUInt16LE(IFF_TAP | IFF_NO_PI | (headers ? IFF_VNET_HDR : 0), IFNAMSIZ);
  const tap = owned(openPath("/dev/net/tun", O_RDWR));
  try {
    check(libc().ioctl(tap.fd, TUNSETIFF, request), `TUNSETIFF ${name}`);
    return tap;
  } catch (error) {
    tap[Symbol.dispose]();
    throw error;
  }
}
