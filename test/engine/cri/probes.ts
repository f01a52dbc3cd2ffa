/** Whether a container answers one of its probes, as the kubelet asks: from the node, at the pod's address. */
import { connect } from "node:net";
import type { KubePod } from "./kubelet.ts";
import type { ContainerSpec, Probe } from "./manifest.ts";
import type { Node } from "./node.ts";

/** Milliseconds: `timeoutSeconds` of a probe that says nothing else. */
const TIMEOUT = 1000;

export async function answers(
  node: Node,
  pod: KubePod,
  container: { spec: ContainerSpec; id: string },
  probe: Probe,
) {
  const { spec, id } = container;
  const port = (wanted: number | string) =>
    typeof wanted === "number" ? wanted : spec.ports?.find(({ name }) => name === wanted)?.containerPort;
  if (probe.httpGet) return answersHttp(`http://${pod.ip}:${port(probe.httpGet.port)}${probe.httpGet.path}`);
  if (probe.tcpSocket) return answersTcp(pod.ip, port(probe.tcpSocket.port) ?? 0);
  if (!probe.exec) throw new Error("this probe does not ask anything");
  const cmd = probe.exec.command;
  try {
    const { exit_code } = await node.client.call("ExecSync", { container_id: id, cmd, timeout: 1 });
    return exit_code === 0;
  } catch {
    return false;
  }
}

async function answersHttp(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT), keepalive: false });
    return response.status >= 200 && response.status < 400;
  } catch {
    return false;
  }
}

function answersTcp(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: TIMEOUT });
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end(true));
    socket.once("error", () => end(false));
    socket.once("timeout", () => end(false));
  });
}
