/** Replays for tests, inserted as the API does. */
import type { SqlExecutor } from '../database/sql-executor.ts';
import type { ReopenableState } from '../deliveries/reopen-sql.ts';
import { createId } from '../ids/create-id.ts';

export interface ReplayOptions {
  readonly customerServerId: string;
  readonly endpointIds: readonly string[];
  /** Default: only what failed. */
  readonly states?: readonly ReopenableState[];
  /** Default: an hour ago. */
  readonly since?: Date;
  /** Default: in an hour. */
  readonly until?: Date;
}

const HOUR_MS = 3_600_000;

/** @returns its id */
export async function insertReplay(executor: SqlExecutor, options: ReplayOptions): Promise<string> {
  const { customerServerId, endpointIds, states = ['failed'] } = options;
  const replayId = createId();
  await executor.query(
    `with replay as (
       insert into replays (id, customer_server_id, since, until, states) values ($1, $2, $3, $4, $5)
     )
     insert into replay_endpoints (replay_id, endpoint_id) select $1, unnest($6::char(24)[])`,
    [
      replayId,
      customerServerId,
      options.since ?? new Date(Date.now() - HOUR_MS),
      options.until ?? new Date(Date.now() + HOUR_MS),
      states,
      endpointIds,
    ],
  );
  return replayId;
}

export interface ReplayRow {
  readonly state: string;
  readonly matched: number;
  readonly reopened: number;
  readonly delivered: number;
  readonly failed: number;
}

/** With what was counted so far. */
export async function readReplay(executor: SqlExecutor, replayId: string): Promise<ReplayRow> {
  const { rows } = await executor.query<ReplayRow>(
    'select state, matched, reopened, delivered, failed from replays where id = $1',
    [replayId],
  );
  const [row] = rows;
  if (row === undefined) throw new Error('there is no such replay');
  return row;
}
