import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { explain, type Plan } from '@vendor-server/platform/testing/explain.ts';
import { expect } from 'vitest';

/** Of which there are few, so that all of them may be read; and a sequence, which is one row. */
const SMALL = ['webhook_endpoints', 'customer_servers', 'feed_position_seq'];

/** What of the tables that grow is read other than by an index, or more of than `most` rows. */
export function findLongReads({ nodes }: Plan, most: number): Plan['nodes'] {
  const isRead = (type: string) => !['ModifyTable', 'CTE Scan'].includes(type);
  const reads = nodes.filter(({ table, type }) => table !== null && !SMALL.includes(table) && isRead(type));
  expect(reads.length).toBeGreaterThan(0);
  return reads.filter(({ type, rows }) => type === 'Seq Scan' || rows > most);
}

export async function expectShortReadsOn(
  executor: SqlExecutor,
  run: (executor: SqlExecutor) => Promise<unknown>,
  most: number,
): Promise<void> {
  expect(findLongReads(await explain(executor, run), most)).toEqual([]);
}
