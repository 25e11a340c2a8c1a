import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { createLoggerTo } from '@vendor-server/platform/logging/create-logger.ts';
import {
  type EndpointOptions,
  insertEndpoint,
  insertOrder,
} from '@vendor-server/platform/testing/delivery-fixtures.ts';
import { toPatientExecutor } from '@vendor-server/platform/testing/to-patient-executor.ts';
import type pg from 'pg';
import { claimDelivery } from '../deliveries/claim-sql.ts';
import { createRecorder, type Recorder } from '../deliveries/record-attempt.ts';
import type { AttemptKey } from '../deliveries/record-sql.ts';

export const DELIVERED = { kind: 'delivered' } as const;
export const RETRY = { kind: 'retry', delayMs: 60_000, holdIn: 'queue' } as const;

export interface ClaimedAttempt {
  readonly endpointId: string;
  readonly orderId: string;
  readonly deliveryId: string;
  readonly key: AttemptKey;
}

/** Attempts whose answers are to be recorded, by a recorder whose statements are in the test's hands. */
export interface RecordStage {
  insertClaimed(states?: ['queued', ...'blocked'[]], options?: EndpointOptions): Promise<ClaimedAttempt>;
  /** Of as many endpoints. */
  insertMany(count: number): Promise<ClaimedAttempt[]>;
  /** Of one endpoint, an order for each of these. */
  insertManyOfOne(
    orders: readonly ['queued', ...'blocked'[]][],
    options?: EndpointOptions,
  ): Promise<ClaimedAttempt[]>;
  createRecorder(executor: SqlExecutor): Recorder;
  /** What it could not record yet. */
  readonly warnings: Record<string, unknown>[];
  /** Notes the statements by name, and loses or spoils what the test says. */
  createExecutor(around?: (name: string, run: () => Promise<void>) => Promise<void>): {
    readonly executor: SqlExecutor;
    readonly sent: readonly string[];
    count(name: string): number;
  };
}

/** There is no queue. */
const NOBODY = { dispatch: async () => undefined };

export function createRecordStage(pool: pg.Pool): RecordStage {
  const warnings: Record<string, unknown>[] = [];
  const logger = createLoggerTo(
    { write: (line) => void warnings.push(JSON.parse(line)) },
    { name: 'test', level: 'warn' },
  );

  async function insertClaimed(
    states: ['queued', ...'blocked'[]] = ['queued'],
    options: EndpointOptions = {},
  ): Promise<ClaimedAttempt> {
    return insertClaimedOf(await insertEndpoint(pool, options), states);
  }

  async function insertClaimedOf(
    endpoint: Awaited<ReturnType<typeof insertEndpoint>>,
    states: ['queued', ...'blocked'[]],
  ): Promise<ClaimedAttempt> {
    const { orderId, deliveryIds } = await insertOrder(pool, endpoint, states);
    const deliveryId = deliveryIds[0] ?? '';
    const token = `token ${deliveryId}`;
    const claimed = await claimDelivery(pool, { deliveryId, generation: 1 }, token, 10_000);
    if (claimed === null) throw new Error('the claim was refused');
    const key = { deliveryId, attemptNumber: claimed.attemptNumber, token };
    return { endpointId: endpoint.endpointId, orderId, deliveryId, key };
  }

  return {
    insertClaimed,
    insertMany: (count) => Promise.all(Array.from({ length: count }, () => insertClaimed())),
    createRecorder: (executor) =>
      createRecorder({ executor: toPatientExecutor(executor), dispatcher: NOBODY, logger }),
    async insertManyOfOne(orders, options) {
      const endpoint = await insertEndpoint(pool, options);
      return Promise.all(orders.map((states) => insertClaimedOf(endpoint, states)));
    },
    warnings,
    createExecutor(around) {
      const sent: string[] = [];
      const executor: SqlExecutor = {
        async query<Row extends pg.QueryResultRow>(
          statement: string | pg.QueryConfig<unknown[]>,
        ): Promise<pg.QueryResult<Row>> {
          if (typeof statement === 'string') throw new Error('a statement without a name');
          const name = statement.name ?? '';
          sent.push(name);
          let result: pg.QueryResult<Row> | undefined;
          const run = async () => {
            result = await pool.query<Row>(statement);
          };
          await (around?.(name, run) ?? run());
          if (result === undefined) throw new Error('the statement was not run');
          return result;
        },
      };
      return { executor, sent, count: (name) => sent.filter((other) => other === name).length };
    },
  };
}
