/** A name server of the tests' own, for names that no engine knows. */
import type { ExecutionContext } from "ava";

export interface NameServer {
  /** How often each name was asked. */
  readonly asked: ReadonlyMap<string, number>;
}

/** Bytes of an answer by UDP; a longer one is empty and says that it was cut. */
const MOST = 512;

/**
 * Answers on port 53 of an address, by UDP and TCP: `answer` gives a name's IPv4 addresses with commas between them, "NXDOMAIN",
 * or "silence". Only questions for A records have addresses. The test's end closes it.
 */
export async function startNameServer(
  t: ExecutionContext,
  address: string,
  answer: (name: string) => string,
): Promise<NameServer> {
  const asked = new Map<string, number>();
  const replyOf = (query: Buffer): Buffer | undefined => {
    const { name, type, end } = questionOf(query);
    asked.set(name, (asked.get(name) ?? 0) + 1);
    const reply = answer(name);
    return reply === "silence" ? undefined : replyTo(query.subarray(0, end), type, reply);
  };
  const socket = await Bun.udpSocket({
    hostname: address,
    port: 53,
    socket: {
      data: (self, query, port, from) => {
        const reply = replyOf(query);
        if (reply) self.send(reply.length > MOST ? cutOf(query, reply) : reply, port, from);
      },
    },
  });
  t.teardown(() => socket.close());
  const listener = Bun.listen({
    hostname: address,
    port: 53,
    socket: {
      data: (self, message) => {
        const reply = replyOf(message.subarray(2));
        if (!reply) return;
        const length = Buffer.alloc(2);
        length.writeUInt16BE(reply.length);
        self.write(Buffer.concat([length, reply]));
      },
    },
  });
  t.teardown(() => listener.stop(true));
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
  const addresses = isMissing || type !== A ? [] : answer.split(",");
  const head = Buffer.from(question);
  head.writeUInt16BE(isMissing ? 0x8183 : 0x8180, 2);
  head.writeUInt16BE(1, 4);
  head.writeUInt16BE(addresses.length, 6);
  head.writeUInt32BE(0, 8);
  const records = addresses.map((address) =>
    Buffer.from([0xc0, 12, 0, A, 0, 1, 0, 0, 0, 0, 0, 4, ...address.split(".").map(Number)]),
  );
  return Buffer.concat([head, ...records]);
}

function cutOf(query: Buffer, reply: Buffer): Buffer {
  const TRUNCATED = 0x02;
  const head = Buffer.from(reply.subarray(0, questionOf(query).end));
  head.writeUInt8(head.readUInt8(2) | TRUNCATED, 2);
  head.writeUInt16BE(0, 6);
  return head;
}
