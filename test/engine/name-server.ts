/** A name server of the tests' own, for names that no engine knows. */
import type { ExecutionContext } from "ava";

export interface NameServer {
  /** How often each name was asked. */
  readonly asked: ReadonlyMap<string, number>;
}

/**
 * Answers on UDP port 53 of an address: `answer` gives an IPv4 address for a name, "NXDOMAIN", or "silence". Only questions for
 * A records have addresses. The test's end closes it.
 */
export async function startNameServer(
  t: ExecutionContext,
  address: string,
  answer: (name: string) => string,
): Promise<NameServer> {
  const asked = new Map<string, number>();
  const socket = await Bun.udpSocket({
    hostname: address,
    port: 53,
    socket: {
      data: (self, query, port, from) => {
        const { name, type, end } = questionOf(query);
        asked.set(name, (asked.get(name) ?? 0) + 1);
        const reply = answer(name);
        if (reply !== "silence") self.send(replyTo(query.subarray(0, end), type, reply), port, from);
      },
    },
  });
  t.teardown(() => socket.close());
  return { asked };
}

function questionOf(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

/** RFC 1035, 4.1. */
function replyTo(question: Buffer, type: number, answer: string): Buffer {
  const A = 1;
  const isMissing = answer === "NXDOMAIN";
  const hasAddress = !isMissing && type === A;
  const head = Buffer.from(question);
  head.writeUInt16BE(isMissing ? 0x8183 : 0x8180, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(hasAddress ? 1 : 0, 6);
  head.writeUInt32BE(0, 8);
  if (!hasAddress) return head;
  const record = Buffer.from([0xc0, 12, 0, A, 0, 1, 0, 0, 0, 0, 0, 4, ...answer.split(".").map(Number)]);
  return Buffer.concat([head, record]);
}
