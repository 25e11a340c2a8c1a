/** Lets a delivery's time pass: tests wait for nothing that the database decides by its clock. */
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

/** As if it had become due, and its job had been meant to run, so many milliseconds earlier. */
export async function makeDueEarlier(executor: SqlExecutor, deliveryId: string, byMs: number): Promise<void> {
  await executor.query(
    `update deliveries set due_at = due_at - make_interval(secs => $2::float8 / 1000),
                           job_due_at = job_due_at - make_interval(secs => $2::float8 / 1000) where id = $1`,
    [deliveryId, byMs],
  );
}

/** As if whoever claimed it had not been heard of until its lease ran out. */
export async function expireClaim(executor: SqlExecutor, deliveryId: string): Promise<void> {
  const { rowCount } = await executor.query(
    `update deliveries set claimed_until = clock_timestamp() - interval '1 millisecond'
      where id = $1 and claim_token is not null`,
    [deliveryId],
  );
  if (rowCount !== 1) throw new Error('there is no claim that could expire');
}

/** As if the endpoint's window had changed last an hour ago. */
export async function restWindow(executor: SqlExecutor, endpointId: string): Promise<void> {
  await executor.query(
    `update webhook_endpoints set window_changed_at = clock_timestamp() - interval '1 hour' where id = $1`,
    [endpointId],
  );
}

/** As if a broken endpoint's cool-down were over. */
export async function endCooldown(executor: SqlExecutor, endpointId: string): Promise<void> {
  const { rowCount } = await executor.query(
    `update webhook_endpoints set next_probe_at = clock_timestamp() where id = $1 and "window" = 0`,
    [endpointId],
  );
  if (rowCount !== 1) throw new Error('the endpoint is not broken');
}
