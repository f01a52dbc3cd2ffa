import test from "ava";
import { podTitle } from "../../../runtime/container/engines/pod-title.ts";

test("a pod's container is called by its names, as containerd and CRI-O give them", (t) => {
  const containerd = {
    "io.kubernetes.cri.container-name": "db",
    "io.kubernetes.cri.sandbox-name": "db-1",
    "io.kubernetes.cri.sandbox-namespace": "shop",
  };
  t.is(podTitle(containerd), "db of the pod shop/db-1");
  const crio = {
    "io.kubernetes.container.name": "db",
    "io.kubernetes.pod.name": "db-1",
    "io.kubernetes.pod.namespace": "shop",
  };
  t.is(podTitle(crio), "db of the pod shop/db-1");
});

test("what is no name is not said", (t) => {
  t.is(podTitle({}), undefined);
  t.is(podTitle({ "io.kubernetes.container.name": "db" }), undefined);
  t.is(
    podTitle({
      "io.kubernetes.cri.container-name": "db\n",
      "io.kubernetes.cri.sandbox-name": "db-1",
      "io.kubernetes.cri.sandbox-namespace": "shop",
    }),
    undefined,
  );
});
