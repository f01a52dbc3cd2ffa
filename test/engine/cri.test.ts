/** Kubernetes' pods, as kubelet makes them: containerd's CRI plugin with the handler "unikrun". */
import test from "ava";
import { type Node, startNode } from "./cri/node.ts";
import { BUSYBOX, printed, runPod, waitForExit } from "./cri/pod.ts";
import { eventually, httpGet } from "./harness.ts";

let node: Node;

test.before(async () => {
  node = await startNode();
});

test.after.always(() => node?.[Symbol.asyncDispose]());

test.serial(
  "a pod of pause, sidecar and unikernel: it answers, its log and its end are its own",
  async (t) => {
    const pod = await runPod(t, node);
    const sidecar = await pod.run("sidecar", {
      image: { image: BUSYBOX },
      command: ["sh", "-c", "echo from the sidecar; sleep 1000"],
    });
    const guest = await pod.run("guest", { args: ["http", "80"] });
    t.regex(await httpGet(`http://${pod.address}/`), /probe/);
    t.is(JSON.parse(await httpGet(`http://${pod.address}/config`)).hostname, pod.config.hostname);
    await eventually(
      "the sidecar's log",
      () => printed(pod.log("sidecar")) === "from the sidecar\n" || undefined,
    );
    t.regex(printed(pod.log("guest")), /^serving HTTP/m);
    const shell = await node.client.call("ExecSync", { container_id: sidecar, cmd: ["echo", "hello"] });
    t.is(shell.stdout.toString(), "hello\n");
    const probe = await node.client.call("ExecSync", { container_id: guest, cmd: ["unikrun", "http", "/"] });
    t.is(probe.exit_code, 0);
    t.regex(probe.stdout.toString(), /probe/);
    await node.client.call("StopContainer", { container_id: guest, timeout: 5 });
    t.is(await waitForExit(node, guest), 143);
    await pod.remove();
  },
);
