/**
 * One value of QEMU's comma syntax (`-device virtio-net-pci,mac=…`): a comma in a value is doubled,
 * as QEMU's option parser wants it, so that no value can become another option.
 */
export function qemuOption(
  kind: string,
  properties: Readonly<Record<string, string | number | undefined>>,
): string {
  const rest = Object.entries(properties).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${String(value).replaceAll(",", ",,")}`],
  );
  return [kind, ...rest].join(",");
}
