/**
 * Turns what attempts have shown of their endpoint into its row. Whoever reports waits for the row's lock, reads,
 * decides and writes, so that of many that report at once each decides on what the ones before it decided; and
 * nobody holds the lock for longer than that: the requests are over.
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
import type { Database } from '@vendor-server/platform/database/create-database.ts';
import { retryTransient, withTransaction } from '@vendor-server/platform/database/sql-executor.ts';
import { lockEndpoint } from '@vendor-server/platform/deliveries/promote-sql.ts';
import { putBackUnclaimed } from '@vendor-server/platform/deliveries/unclaimed-sql.ts';
import { lockEndpointRecord, lockIfClosed, writeEndpointRecord } from './endpoint-health-sql.ts';

/** What an attempt has shown, and where. */
export interface AttemptReport extends EndpointReport {
  readonly url: string;
}

/** The endpoint before and after some reports. */
export interface SettledReports {
  readonly before: EndpointRecord;
  readonly after: EndpointRecord;
}

/**
 * @param reports in the order in which the attempts ended
 * @param random gives numbers from 0 to 1
 * @returns null when the endpoint was deleted
 */
export async function settleReports(
  database: Pick<Database, 'pool'>,
  endpointId: string,
  reports: readonly AttemptReport[],
  random: () => number,
): Promise<SettledReports | null> {
  return retryTransient(() =>
    withTransaction(database.pool, async (transaction) => {
      const locked = await lockEndpointRecord(transaction, endpointId);
      if (locked === null) return null;
      const { record: before, url, now } = locked;
      const after = reports
        .filter((report) => report.url === url)
        .reduce((record, report) => decideEndpoint(record, report, now, random()), before);
      if (hasChanged(before, after)) await writeEndpointRecord(transaction, endpointId, after);
      return { before, after };
    }),
  );
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
    withTransaction(database.pool, async (transaction) => {
      await lockEndpoint(transaction, endpointId);
      if (await lockIfClosed(transaction, endpointId)) await putBackUnclaimed(transaction, endpointId);
    }),
  );
}
