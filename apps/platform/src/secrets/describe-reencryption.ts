import type { Reencryption, UnreadableSecret } from './reencrypt-secrets.ts';

/** With a wrong key every secret is unreadable: an operator needs to see which, not all of them. */
const MAX_NAMED = 20;

/** One line for each secret that could not be opened: row, column and why. Empty when there is none. */
export function describeUnreadable(unreadable: readonly UnreadableSecret[]): string {
  const lines = unreadable
    .slice(0, MAX_NAMED)
    .map(({ table, column, id, reason }) => `${table}.${column} of ${id}: ${reason}`);
  if (unreadable.length > MAX_NAMED) lines.push(`… and ${unreadable.length - MAX_NAMED} more`);
  return lines.map((line) => `${line}\n`).join('');
}

/** What was done, and what the operator may do now. */
export function describeReencryption(
  { rows, resealed, wereCurrent, unreadable, leftBehind }: Reencryption,
  { hasPreviousKey }: { hasPreviousKey: boolean },
): string {
  const counts = `${rows} rows: ${resealed} secrets encrypted anew, ${wereCurrent} already under SECRETS_ENCRYPTION_KEY, ${unreadable.length} could not be opened.\n`;
  if (leftBehind > 0) {
    return `${counts}${leftBehind} secrets are still under another key: keep SECRETS_ENCRYPTION_KEY_PREVIOUS. ${adviseOn(unreadable)}\n`;
  }
  if (!hasPreviousKey) return `${counts}Everything is under SECRETS_ENCRYPTION_KEY.\n`;
  return `${counts}Nothing is left under another key. When every process runs with this SECRETS_ENCRYPTION_KEY, remove SECRETS_ENCRYPTION_KEY_PREVIOUS.\n`;
}

function adviseOn(unreadable: readonly UnreadableSecret[]): string {
  return unreadable.length > 0
    ? 'Set it to the key of those that could not be opened, or rotate these secrets; then run this again.'
    : 'A process that does not have the new key has written them: replace it, then run this again.';
}
