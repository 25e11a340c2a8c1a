import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

/** The database's time in milliseconds. */
export async function readDatabaseClock(executor: SqlExecutor): Promise<Date> {
  const { rows } = await executor.query<{ now: Date }>({
    name: 'read-database-clock',
    text: `select date_trunc('milliseconds', clock_timestamp()) as now`,
  });
  const [row] = rows;
  if (row === undefined) throw new Error('the database did not tell its time');
  return row.now;
}
