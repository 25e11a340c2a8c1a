/**
 * Seals every stored secret anew under the current key.
 *
 * Why it may run while API and workers do, be killed anywhere, and run again:
 * - Nothing is remembered but in the texts themselves, each of which names its key. What is under the current key is
 *   opened, to see that it can be, and left as it is.
 * - A batch is one statement that writes only rows which are still as they were read. A secret that was rotated in
 *   between is never overwritten; such a row is read again, because a rotation moves the old text, as it is, into
 *   the column for the previous secret.
 * - No lock is held between reading and writing.
 *
 * What it cannot do is to wait for processes that still seal under the old key: whatever they write after a row's
 * turn is found by the count at the end, or by the next run.
 */
import type pg from 'pg';
import { retryTransient } from '../database/sql-executor.ts';
import {
  countSealedTextsByKey,
  listSealedTables,
  type ResealedRow,
  readSealedRows,
  readSealedRowsById,
  type SealedRow,
  type SealedTable,
  writeSealedRows,
} from './sealed-columns-sql.ts';
import { type SecretBox, SecretBoxError } from './secret-box.ts';

/** Sealed in about 5 ms, written in about 20: nobody who wants one of these rows waits longer. */
const DEFAULT_BATCH_ROWS = 200;

/** A sealed text that could not be opened, and why; the reason never holds any of it. */
export interface UnreadableSecret {
  readonly table: string;
  readonly column: string;
  readonly id: string;
  readonly reason: string;
}

export interface ReencryptionProgress {
  readonly table: string;
  /** Rows looked at so far. */
  readonly rows: number;
  /** Secrets sealed anew so far. */
  readonly resealed: number;
}

export interface Reencryption {
  readonly rows: number;
  readonly resealed: number;
  /** Secrets that the current key had sealed before. */
  readonly wereCurrent: number;
  readonly unreadable: readonly UnreadableSecret[];
  /** Secrets under any other key, counted afterwards: 0 means that no other key is needed any more. */
  readonly leftBehind: number;
}

export interface ReencryptionOptions {
  readonly secretBox: SecretBox;
  readonly batchRows?: number;
  /** Called after each batch. */
  readonly onProgress?: (progress: ReencryptionProgress) => void;
}

/**
 * Opens every stored secret, and seals those anew that the current key did not seal. One that cannot be opened stays
 * as it is and holds up none of the others.
 */
export async function reencryptSecrets(pool: pg.Pool, options: ReencryptionOptions): Promise<Reencryption> {
  const { secretBox, batchRows = DEFAULT_BATCH_ROWS, onProgress } = options;
  const totals = { rows: 0, resealed: 0, wereCurrent: 0 };
  const unreadable: UnreadableSecret[] = [];
  for (const table of await listSealedTables(pool)) {
    const ofTable = { table: table.name, rows: 0, resealed: 0 };
    let afterId = '';
    for (;;) {
      const rows = await readSealedRows(pool, table, afterId, batchRows);
      const last = rows.at(-1);
      if (last === undefined) break;
      afterId = last.id;
      const batch = await reencryptRows(pool, secretBox, table, rows);
      ofTable.rows += rows.length;
      ofTable.resealed += batch.resealed;
      totals.wereCurrent += batch.wereCurrent;
      unreadable.push(...batch.unreadable);
      onProgress?.({ ...ofTable });
    }
    totals.rows += ofTable.rows;
    totals.resealed += ofTable.resealed;
  }
  return { ...totals, unreadable, leftBehind: await countLeftBehind(pool, secretBox) };
}

async function reencryptRows(pool: pg.Pool, secretBox: SecretBox, table: SealedTable, rows: SealedRow[]) {
  const done = { resealed: 0, wereCurrent: 0, unreadable: [] as UnreadableSecret[] };
  for (let left = rows; left.length > 0; ) {
    const looked = left.map((row) => resealRow(secretBox, table, row));
    const stale = looked.filter(({ resealed }) => resealed > 0);
    const written = stale.length === 0 ? [] : await retryTransient(() => writeSealedRows(pool, table, stale));
    const isWritten = new Set(written);
    const settled = looked.filter(({ id, resealed }) => resealed === 0 || isWritten.has(id));
    for (const row of settled) {
      done.resealed += row.resealed;
      done.wereCurrent += row.wereCurrent;
      done.unreadable.push(...row.unreadable);
    }
    const changedMeanwhile = stale.filter(({ id }) => !isWritten.has(id)).map(({ id }) => id);
    left = changedMeanwhile.length === 0 ? [] : await readSealedRowsById(pool, table, changedMeanwhile);
  }
  return done;
}

interface LookedAtRow extends ResealedRow {
  readonly resealed: number;
  readonly wereCurrent: number;
  readonly unreadable: readonly UnreadableSecret[];
}

function resealRow(secretBox: SecretBox, table: SealedTable, { id, texts }: SealedRow): LookedAtRow {
  const unreadable: UnreadableSecret[] = [];
  const newTexts = texts.map((text, index) => {
    if (text === null) return null;
    try {
      const plain = secretBox.open(text, id);
      return secretBox.isCurrent(text) ? text : secretBox.seal(plain, id);
    } catch (error) {
      if (!(error instanceof SecretBoxError)) throw error;
      unreadable.push({ table: table.name, column: table.columns[index] ?? '', id, reason: error.message });
      return text;
    }
  });
  const resealed = newTexts.filter((text, index) => text !== texts[index]).length;
  const present = texts.filter((text) => text !== null).length;
  return { id, texts, newTexts, resealed, wereCurrent: present - resealed - unreadable.length, unreadable };
}

async function countLeftBehind(pool: pg.Pool, { keyIds }: SecretBox): Promise<number> {
  const counts = await countSealedTextsByKey(pool);
  return counts.filter(({ keyId }) => keyId !== keyIds.current).reduce((sum, { count }) => sum + count, 0);
}
