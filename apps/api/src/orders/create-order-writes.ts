/**
 * Writes changes and new orders, those of the same few milliseconds in one statement: what a change costs PostgreSQL is
 * mostly what a statement and a commit cost.
 *
 * What is left out of such a statement (see changes-together-sql.ts), and all of one that failed, goes by itself: one
 * order that cannot be written keeps no other from being written, and what somebody holds is waited for alone. Only when
 * the database is away, or does not get on, all of them fail, as each would alone; then it is unknown whether they took
 * effect.
 */
import { createBatches } from '@vendor-server/platform/database/create-batches.ts';
import {
  isDatabaseUnavailable,
  isStatementCancelled,
} from '@vendor-server/platform/database/database-errors.ts';
import { retryTransient, type SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { type OrderWrite, writeNewOrders, writeOrderChanges } from './changes-together-sql.ts';
import { type RecordedChange, writeNewOrder, writeOrderChange } from './order-change-sql.ts';

/** Larger ones cost no less for each, and keep the first of them waiting for the last. */
const MAX_TOGETHER = 64;
/** What is longer goes alone: a list of such texts is escaped for longer than others want to wait. */
const MAX_BODY_LENGTH = 8_192;
/** One connection that hangs keeps nobody else from writing. */
const MAX_UNDER_WAY = 4;

export interface OrderWrites {
  /** As `writeOrderChange`, conflicts of transactions retried. */
  writeChange(write: OrderWrite): Promise<RecordedChange | null>;
  /** As `writeNewOrder`, conflicts of transactions retried. */
  writeNew(write: OrderWrite): Promise<RecordedChange>;
}

export interface OrderWritesOptions {
  /** For statements that wait for nobody, and one at a time that goes alone. */
  readonly pool: SqlExecutor;
  /** For those that wait for whoever holds an order, and keep a connection meanwhile. */
  readonly waiting: SqlExecutor;
}

export function createOrderWrites({ pool, waiting }: OrderWritesOptions): OrderWrites {
  return {
    writeChange: createWrite({
      pool,
      waiting,
      alone: (executor, { order, record }) => writeOrderChange(executor, order, record),
      together: (writes) => writeOrderChanges(pool, writes),
    }),
    writeNew: createWrite({
      pool,
      waiting,
      alone: (executor, { order, record }) => writeNewOrder(executor, order, record),
      together: (writes) => writeNewOrders(pool, writes),
    }),
  };
}

interface Statements<Recorded> extends OrderWritesOptions {
  readonly alone: (executor: SqlExecutor, write: OrderWrite) => Promise<Recorded>;
  /** Gives null for what was left out. */
  readonly together: (writes: readonly OrderWrite[]) => Promise<readonly (RecordedChange | null)[]>;
}

function createWrite<Recorded>({
  pool,
  waiting,
  alone,
  together,
}: Statements<Recorded | RecordedChange>): (write: OrderWrite) => Promise<Recorded | RecordedChange> {
  const writeAlone = (write: OrderWrite) => retryTransient(() => alone(waiting, write));
  let isOneAlone = false;

  /** The cheapest form, which waits for whoever holds the order: never two at a time, so that it holds up nobody. */
  async function writeOnly(write: OrderWrite) {
    isOneAlone = true;
    try {
      return await retryTransient(() => alone(pool, write));
    } finally {
      isOneAlone = false;
    }
  }

  const batches = createBatches<OrderWrite, Recorded | RecordedChange | 'left_out'>({
    async work(writes) {
      const [first] = writes;
      if (first !== undefined && writes.length === 1 && !isOneAlone) return [await writeOnly(first)];
      try {
        return (await together(writes)).map((recorded) => recorded ?? 'left_out');
      } catch (error) {
        if (isDatabaseUnavailable(error) || isStatementCancelled(error)) throw error;
        return writes.map(() => 'left_out' as const);
      }
    },
    maxItems: MAX_TOGETHER,
    maxUnderWay: MAX_UNDER_WAY,
  });
  return async (write) => {
    if (write.record.body.length > MAX_BODY_LENGTH) return writeAlone(write);
    const recorded = await batches.hand(write);
    return recorded === 'left_out' ? writeAlone(write) : recorded;
  };
}
