/** Uids that are a machine's alone: the host's where its own root calls, else of those that a user namespace has. */
import { type IdMaps, type IdRange, isWhole, ownIdMaps } from "./user-namespace.ts";

/** Who has ids of his own: a VMM, a tool of exec's that visits its guest, and volumes' disks. */
const KINDS = {
  vmm: { whole: 0x7000_0000, quarter: 0 },
  tool: { whole: 0x6000_0000, quarter: 1 },
  disk: { whole: 0x6fff_ffff, quarter: 2 },
} as const;

/**
 * An id that no account has, as both uid and gid, for a machine whose init has that pid. On a host of its own ids no two living machines
 * share one, since of a living init's pid there is only one. A user namespace has fewer, as a rule 65,536: there each kind takes its
 * quarter, from the last down, which containers rarely use, and machines whose pids are a quarter apart share one. Where there is no id
 * but root's it is 0.
 */
export function ownUid(kind: keyof typeof KINDS, pid: number, { uids, gids }: IdMaps = ownIdMaps()): number {
  const { whole, quarter } = KINDS[kind];
  if (isWhole(uids) && isWhole(gids)) return whole + pid;
  const common = commonIds(uids, gids);
  const each = Math.floor(common.reduce((sum, { count }) => sum + count, 0) / 4);
  return each === 0 ? fromEnd(common, 0) : fromEnd(common, quarter * each + (pid % each));
}

interface Ids {
  readonly first: number;
  readonly count: number;
}

/** The ids above root's that are in both maps, in their order. */
function commonIds(uids: readonly IdRange[], gids: readonly IdRange[]): Ids[] {
  return uids
    .flatMap((uid) =>
      gids.flatMap((gid) => {
        const first = Math.max(uid.inside, gid.inside, 1);
        const end = Math.min(uid.inside + uid.count, gid.inside + gid.count, NOBODY);
        return end > first ? [{ first, count: end - first }] : [];
      }),
    )
    .sort((a, b) => a.first - b.first);
}

/** What is mapped nowhere is shown as this one. */
const NOBODY = 65_534;

function fromEnd(common: readonly Ids[], place: number): number {
  let left = place;
  for (const { first, count } of common.toReversed()) {
    if (left < count) return first + count - 1 - left;
    left -= count;
  }
  return 0;
}
