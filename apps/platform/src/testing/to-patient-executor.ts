import type { PatientExecutor } from '../database/create-watched-executor.ts';
import type { SqlExecutor } from '../database/sql-executor.ts';

/** Sends everything through the same executor, whether it waits for locks or not. */
export function toPatientExecutor(executor: SqlExecutor): PatientExecutor {
  return { query: executor.query.bind(executor), waiting: executor };
}
