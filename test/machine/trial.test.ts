import test from "ava";
import { judgeTrials, type Trial } from "../../runtime/machine/trial.ts";

const trial = (end: "ended" | "slow" | "late", used: number): Trial => ({ end, used });

test("KVM is used where it takes no more CPU time than emulation, also when both are slow", (t) => {
  t.is(judgeTrials({ kvm: trial("ended", 0.1) }).kind, "good");
  t.is(judgeTrials({ kvm: trial("ended", 1), tcg: trial("ended", 1) }).kind, "good");
  t.is(judgeTrials({ kvm: trial("ended", 4), tcg: trial("slow", 4) }).kind, "good");
  t.is(judgeTrials({ kvm: trial("ended", 4), tcg: { error: "this QEMU has no TCG" } }).kind, "good");
});

test("KVM that takes more CPU time than emulation is told with both times", (t) => {
  t.deepEqual(judgeTrials({ kvm: trial("ended", 2), tcg: trial("ended", 0.1) }), {
    kind: "slow",
    why: "a trial guest took 2.0 s of CPU time on it, and 0.10 s without",
  });
  t.deepEqual(judgeTrials({ kvm: trial("slow", 1.1), tcg: trial("ended", 1.1) }), {
    kind: "slow",
    why: "a trial guest took more than 1.1 s of CPU time on it, and 1.1 s without",
  });
  t.is(judgeTrials({ kvm: trial("late", 3), tcg: trial("ended", 1) }).kind, "slow");
});

test("a trial that was late without having had its CPU time decides nothing", (t) => {
  t.is(judgeTrials({ kvm: trial("late", 0.2), tcg: trial("ended", 1) }).kind, "undecided");
  t.is(judgeTrials({ kvm: trial("late", 0.2), tcg: trial("slow", 0.2) }).kind, "undecided");
  t.is(judgeTrials({ kvm: trial("slow", 10), tcg: trial("late", 1) }).kind, "undecided");
});

test("KVM that QEMU can't use is broken, whatever emulation does", (t) => {
  const error = "QEMU failed on it: no";
  t.deepEqual(judgeTrials({ kvm: { error }, tcg: trial("ended", 1) }), { kind: "broken", why: error });
});
