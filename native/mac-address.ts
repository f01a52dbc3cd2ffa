/** The 6 bytes of "02:42:ac:11:00:02". */
export const macBytes = (mac: string): Buffer => Buffer.from(mac.replaceAll(":", ""), "hex");

/** "02:42:ac:11:00:02"; "" of no bytes. */
export const formatMac = (bytes: Buffer): string => bytes.toString("hex").replace(/..(?=.)/g, "$&:");
