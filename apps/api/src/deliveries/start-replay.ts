/** The use case behind both replay routes: checks what is asked for and writes it down for the workers. */
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import type { FastifyBaseLogger } from 'fastify';
import type { AppDeps } from '../app-deps.ts';
import { ApiError } from '../errors/api-error.ts';
import { parseTimestamp } from '../schemas/parse-timestamp.ts';
import { readDatabaseClock } from './database-clock-sql.ts';
import type { ReplayBody } from './replay-schemas.ts';
import { findEndpointOfCustomerServer, writeReplayForCustomerServer } from './replay-sql.ts';

/** Each costs the workers a look every second for as long as it is under way. */
const MAX_UNDER_WAY = 20;
const RETRY_AFTER_SECONDS = '60';

/**
 * Starts a replay of a customer server's deliveries.
 *
 * @param log of the request that asked
 * @param by who asked, for the log; null when it was the customer server
 * @returns the replay's id
 * @throws ApiError `validation_failed`, `not_found` or `endpoint_deleted` (the endpoint's), `rate_limited`
 */
export async function startReplayForCustomerServer(
  { database: { pool } }: Pick<AppDeps, 'database'>,
  customerServerId: string,
  body: ReplayBody,
  log: Pick<FastifyBaseLogger, 'info'>,
  by: { readonly operator: string | null } | null,
): Promise<string> {
  const endpointId = body.endpointId ?? null;
  const { since, until } = toSpan(body, await readDatabaseClock(pool));
  if (endpointId !== null) {
    const endpoint = await findEndpointOfCustomerServer(pool, customerServerId, endpointId);
    if (endpoint === null) throw new ApiError('not_found');
    if (endpoint.isDeleted) throw new ApiError('endpoint_deleted');
  }
  const states = [...new Set(body.states ?? (['failed'] as const))];
  const replay = { replayId: createId(), since, until, endpointId, states };
  if (!(await writeReplayForCustomerServer(pool, customerServerId, replay, MAX_UNDER_WAY))) {
    const message = `At most ${MAX_UNDER_WAY} replays may be under way at once; wait until one is completed.`;
    throw new ApiError('rate_limited', { message, headers: { 'retry-after': RETRY_AFTER_SECONDS } });
  }
  log.info({ customerServerId, ...replay, ...by }, 'Replay asked for');
  return replay.replayId;
}

/** Nothing has changed after now, so a span that reaches beyond it ends now. */
function toSpan({ since, until }: ReplayBody, now: Date): { readonly since: Date; readonly until: Date } {
  const start = parseTimestamp(since);
  const end = until === undefined || until === null ? now : parseTimestamp(until);
  // The schema has parsed them before.
  if (start === null || end === null) throw new ApiError('validation_failed');
  if (start >= now) throw new ApiError('validation_failed', { details: ['since must lie in the past'] });
  if (start >= end) throw new ApiError('validation_failed', { details: ['since must be before until'] });
  return { since: start, until: end < now ? end : now };
}
