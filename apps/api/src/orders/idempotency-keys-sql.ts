import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';

export interface IdempotencyKey {
  readonly customerServerId: string;
  readonly key: string;
  /** SHA-256 (hex) of the request body's bytes. */
  readonly bodyHash: string;
}

export interface KeptAnswer {
  readonly bodyHash: string;
  /** The bytes of the 201 answer. */
  readonly responseBody: string;
}

/**
 * Takes the key for the caller's transaction, and keeps the answer with it: what the transaction writes is what the
 * answer tells of, and a failure frees the key. While another transaction holds it, this waits: when that one commits
 * the key is taken, when it rolls back the key is free.
 *
 * @param responseBody the bytes of the 201 answer
 * @returns false when the key was taken before
 * @throws lock time-out (55P03) when the other transaction did not end in time
 */
export async function takeIdempotencyKey(
  executor: SqlExecutor,
  { customerServerId, key, bodyHash }: IdempotencyKey,
  responseBody: string,
): Promise<boolean> {
  const { rowCount } = await executor.query({
    name: 'take-idempotency-key',
    text: `insert into idempotency_keys (customer_server_id, key, body_hash, response_body) values ($1, $2, $3, $4)
           on conflict do nothing`,
    values: [customerServerId, key, bodyHash, responseBody],
  });
  return rowCount === 1;
}

/** What was answered to the request that took the key; null when the key is gone again. */
export async function findKeptAnswer(
  executor: SqlExecutor,
  { customerServerId, key }: IdempotencyKey,
): Promise<KeptAnswer | null> {
  const { rows } = await executor.query<{ body_hash: string; response_body: string }>({
    name: 'find-kept-answer',
    text: `select body_hash, response_body from idempotency_keys where customer_server_id = $1 and key = $2`,
    values: [customerServerId, key],
  });
  const [row] = rows;
  return row === undefined ? null : { bodyHash: row.body_hash, responseBody: row.response_body };
}
