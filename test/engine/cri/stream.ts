/**
 * kubectl's exec -it, attach and port-forward: CRI answers with an address, where the rest goes on by WebSocket. Each message begins
 * with its channel (v4.channel.k8s.io; k8s.io/kubelet/pkg/cri/streaming).
 */
import { eventually } from "../harness.ts";

/** Of exec and attach; `error` gets a Status object at the end of exec. */
export const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4 } as const;
/** Of port-forward, for its one port; each begins with the port in two bytes. */
export const PORT_CHANNEL = { data: 0, error: 1 } as const;

export interface Stream extends Disposable {
  say(channel: number, text: string): void;
  /** All that came by a channel. */
  heard(channel: number): string;
  /** Waits until a channel has brought such words. */
  hear(channel: number, words: RegExp): Promise<string>;
  /** The other side has closed it. */
  readonly ended: Promise<void>;
}

export async function openStream(url: string): Promise<Stream> {
  const socket = new WebSocket(url.replace(/^http/, "ws"), "v4.channel.k8s.io");
  socket.binaryType = "arraybuffer";
  const channels = new Map<number, string>();
  const heard = (channel: number): string => channels.get(channel) ?? "";
  socket.addEventListener("message", ({ data }) => {
    const [channel = -1, ...bytes] = new Uint8Array(data as ArrayBuffer);
    channels.set(channel, heard(channel) + Buffer.from(bytes).toString("latin1"));
  });
  const ended = new Promise<void>((resolve) => socket.addEventListener("close", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("error", () => reject(new Error(`no stream at ${url}`)));
  });
  return {
    say: (channel, text) => socket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(text)])),
    heard,
    hear: (channel, words) =>
      eventually(String(words), () => (words.test(heard(channel)) ? heard(channel) : undefined)),
    ended,
    [Symbol.dispose]: () => socket.close(),
  };
}
