/**
 * Turns what attempts have shown of their endpoints into their rows.
 *
 * Of many that report at once each decides on what the ones before it decided:
 * - *Those of one endpoint in one worker go one batch after the other* (create-keyed-batches.ts), each on the row as the
 *   batch before left it.
 * - *Batches of several endpoints go together*: one statement reads their rows without a lock, one writes what was
 *   decided, each row only if it is the very version that was read. A row that anybody has changed since is not written
 *   but decided again, and so is one that somebody holds, who is about to change it: alone, and under its lock, where
 *   nobody comes between. So every change of a row is decided on the one before it, and workers that meet at an
 *   endpoint wait for each other there and nowhere else.
 * - *Nobody waits for it in a circle.* The statement that writes many waits for no row; who waits for a lock holds
 *   nothing else, and holds it for two statements: the requests are over. A few wait at once, and not for long: a row
 *   that somebody has forgotten to let go keeps a few connections of the pool, and what it should have been told is lost.
 *
 * A version is the transaction that made the row (`xmin`). What reads it is no transaction, so nothing that it saw can be
 * undone, and a version is never seen again in the moment between reading and writing.
 *
 * A write whose answer is lost may have happened. Nothing rests on it: what attempts show next is decided on the row as
 * it then is.
 *
 * A window that closes, and an endpoint that is disabled, make jobs void that are in the queue. What they would have
 * sent is put back after the commit (`putBackIfClosed`), in a transaction that takes the endpoint's locks in their order
 * and looks again: an endpoint that opened meanwhile keeps them. When that is lost, or misses what a change commits a
 * moment later, each job's claim is refused and puts back its own.
 *
 * An attempt at a URL that the endpoint no longer has says nothing of the one it has. Without that, a probe that was out
 * at the old one would end in a cool-down, and take from the new one the try at once that a change of URL asks for.
 */
import {
  decideEndpoint,
  type EndpointRecord,
  type EndpointReport,
} from '@vendor-server/domain/endpoints/decide-endpoint.ts';
import { createBatches, createSingles } from '@vendor-server/platform/database/create-batches.ts';
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import {
  retryTransient,
  type SqlExecutor,
  withTransaction,
} from '@vendor-server/platform/database/sql-executor.ts';
import { lockEndpoint } from '@vendor-server/platform/deliveries/promote-sql.ts';
import { putBackUnclaimed } from '@vendor-server/platform/deliveries/unclaimed-sql.ts';
import {
  lockEndpointRecord,
  lockIfClosed,
  type ReadRecord,
  readEndpointRecords,
  writeEndpointRecords,
} from './endpoint-health-sql.ts';

/** What an attempt has shown, and where. */
export interface AttemptReport extends EndpointReport {
  readonly url: string;
}

/** The endpoint before and after some reports. */
export interface SettledReports {
  readonly before: EndpointRecord;
  readonly after: EndpointRecord;
}

/** What attempts have shown of one endpoint. */
export interface EndpointReports {
  readonly endpointId: string;
  /** In the order in which the attempts ended. */
  readonly reports: readonly AttemptReport[];
}

/** Null when the endpoint was deleted. */
type Settled = SettledReports | null;

/** More at once would gain nothing: the rows of that many are read and written in a few milliseconds. */
const MAX_TOGETHER = 64;
const MAX_UNDER_WAY = 2;
const MAX_ALONE = 2;
/** Far longer than anybody who does not hang holds an endpoint. */
const LOCK_TIMEOUT_MS = 1_000;

export interface ReportSettler {
  /** Not to be called again for an endpoint before it has resolved. */
  settle(endpointReports: EndpointReports): Promise<Settled>;
}

/** @param random gives numbers from 0 to 1 */
export function createReportSettler(database: Pick<Database, 'pool'>, random: () => number): ReportSettler {
  const batches = createBatches<EndpointReports, Settled | 'contended'>({
    work: (batch) => settleTogether(database.pool, batch, random),
    maxItems: MAX_TOGETHER,
    maxUnderWay: MAX_UNDER_WAY,
  });
  const alone = createSingles<EndpointReports, Settled>(
    (endpointReports) => settleReports(database, endpointReports, random),
    MAX_ALONE,
  );
  return {
    async settle(endpointReports) {
      const settled = await batches.hand(endpointReports);
      return settled === 'contended' ? alone.hand(endpointReports) : settled;
    },
  };
}

/** @returns for each what it came to; `contended` where somebody else changes the endpoint */
async function settleTogether(
  executor: SqlExecutor,
  batch: readonly EndpointReports[],
  random: () => number,
): Promise<(Settled | 'contended')[]> {
  const read = await readEndpointRecords(
    executor,
    batch.map(({ endpointId }) => endpointId),
  );
  const byId = new Map(read.map((found) => [found.endpointId, found]));
  const settled = batch.map(({ endpointId, reports }) => {
    const found = byId.get(endpointId);
    return found === undefined ? null : { ...found, ...decideReports(found, reports, random) };
  });
  const decided = settled.flatMap((one) =>
    one === null || !one.isChanged
      ? []
      : [{ endpointId: one.endpointId, version: one.version, record: one.after }],
  );
  const written = new Set(decided.length === 0 ? [] : await writeEndpointRecords(executor, decided));
  return settled.map((one) =>
    one === null || !one.isChanged || written.has(one.endpointId) ? one : 'contended',
  );
}

/** Settles the reports of one endpoint under its lock. */
async function settleReports(
  database: Pick<Database, 'pool'>,
  { endpointId, reports }: EndpointReports,
  random: () => number,
): Promise<Settled> {
  return retryTransient(() =>
    withTransaction(
      database.pool,
      async (transaction) => {
        const locked = await lockEndpointRecord(transaction, endpointId);
        if (locked === null) return null;
        const settled = decideReports(locked, reports, random);
        const decided = { endpointId, version: locked.version, record: settled.after };
        if (settled.isChanged) await writeEndpointRecords(transaction, [decided]);
        return settled;
      },
      { lockTimeoutMs: LOCK_TIMEOUT_MS },
    ),
  );
}

function decideReports(
  { record: before, url, now }: ReadRecord,
  reports: readonly AttemptReport[],
  random: () => number,
): SettledReports & { readonly isChanged: boolean } {
  const after = reports
    .filter((report) => report.url === url)
    .reduce((record, report) => decideEndpoint(record, report, now, random()), before);
  return { before, after, isChanged: hasChanged(before, after) };
}

function hasChanged(before: EndpointRecord, after: EndpointRecord): boolean {
  const fields = Object.keys(after) as (keyof EndpointRecord)[];
  return fields.some((field) => before[field] !== after[field]);
}

function isClosed({ state, window }: EndpointRecord): boolean {
  return state !== 'active' || window === 0;
}

/** Puts back what is in the queue, when these reports have closed the endpoint and it is closed still. */
export async function putBackIfClosed(
  database: Pick<Database, 'pool'>,
  endpointId: string,
  { before, after }: SettledReports,
): Promise<void> {
  if (!isClosed(after) || isClosed(before)) return;
  await retryTransient(() =>
    withTransaction(
      database.pool,
      async (transaction) => {
        await lockEndpoint(transaction, endpointId);
        if (await lockIfClosed(transaction, endpointId)) await putBackUnclaimed(transaction, endpointId);
      },
      { lockTimeoutMs: LOCK_TIMEOUT_MS },
    ),
  );
}
