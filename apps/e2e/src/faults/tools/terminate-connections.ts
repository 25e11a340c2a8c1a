import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

/** Ends every connection of APIs, workers and their queue, whatever runs on it. @returns how many */
export async function terminateConnections(executor: SqlExecutor): Promise<number> {
  const { rowCount } = await executor.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name like 'vendor-server-%'`,
  );
  return rowCount ?? 0;
}
