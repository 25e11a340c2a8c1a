import { type CheckResult, runCheck } from '@vendor-server/platform/health/run-check.ts';
import type { AppDeps } from '../app-deps.ts';

export interface ApiChecks extends Record<string, CheckResult> {
  readonly database: CheckResult;
  readonly queue: CheckResult;
}

/** Makes what asks database and queue whether they answer; it resolves within about a second. */
export function createReadChecks({
  database,
  orderReads,
  queue,
}: Pick<AppDeps, 'database' | 'orderReads' | 'queue'>): () => Promise<ApiChecks> {
  return async () => {
    const [databaseCheck, queueCheck] = await Promise.all([
      runCheck(() => Promise.all([database.pool.query('select 1'), orderReads.ping()])),
      runCheck(() => queue.ping()),
    ]);
    return { database: databaseCheck, queue: queueCheck };
  };
}
