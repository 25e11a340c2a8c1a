import type { ChangeRow, History } from './history.ts';
import { type HistoryIndex, keyOf } from './index-history.ts';
import type { Violation } from './violation.ts';

/**
 * Committed changes that no caller asked for: none was told of it, and none that was told nothing asked for its
 * status. A creation without an answer may have made one order of any id, and not two.
 */
export function findUnaskedChanges({ changes, answers }: History, { promisedAt }: HistoryIndex): Violation[] {
  const open = answers.flatMap(({ asked, got }) =>
    asked.kind === 'change' && got.kind === 'unknown' ? [openKey(asked.orderId, asked.to)] : [],
  );
  const left = new Map([...Map.groupBy(open, (key) => key)].map(([key, calls]) => [key, calls.length]));
  const takeOpen = ({ orderId, version, status }: ChangeRow): boolean => {
    const key = openKey(version === 1 ? null : orderId, status);
    const count = left.get(key) ?? 0;
    left.set(key, count - 1);
    return count > 0;
  };
  return changes
    .filter((change) => !promisedAt.has(keyOf(change)) && !takeOpen(change))
    .map(({ orderId, version, status }) => ({
      kind: 'unasked',
      orderId,
      version,
      message: `"${status}" was committed as version ${version}, and nobody asked for it.`,
    }));
}

function openKey(orderId: string | null, status: string): string {
  return `${orderId ?? 'new'} ${status}`;
}
