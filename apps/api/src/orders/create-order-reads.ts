/**
 * Reads what changes and new orders are decided on, those of the same few milliseconds in one statement, which begins after
 * the call of each. Reads wait for nobody, so nothing holds up what goes with it; one that fails fails for all, as each
 * would alone.
 */
import { createBatches } from '@vendor-server/platform/database/create-batches.ts';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { readNewOrderFacts } from '../offers/offers-sql.ts';
import { findOrderForTaker, type OrderForTaker } from './find-order-for-taker-sql.ts';
import { type AskedOrder, type AskedTaker, findOrders, findOrdersForTakers } from './find-orders-sql.ts';
import {
  type FoundOrder,
  findAnyOrder,
  findOrderForCustomerServer,
  findOrderForVendor,
} from './order-row-sql.ts';

const MAX_TOGETHER = 64;
/** One connection that hangs keeps nobody else from reading. */
const MAX_UNDER_WAY = 4;

type NewOrderFacts = Awaited<ReturnType<typeof readNewOrderFacts>>;

export interface OrderReads {
  /** As the functions of the same names. */
  findOrderForCustomerServer(customerServerId: string, orderId: string): Promise<FoundOrder | null>;
  findOrderForVendor(vendorId: string, orderId: string): Promise<FoundOrder | null>;
  findOrderForTaker(vendorId: string, orderId: string): Promise<OrderForTaker | null>;
  findAnyOrder(orderId: string): Promise<FoundOrder | null>;
  readNewOrderFacts(workType: string | null): Promise<NewOrderFacts>;
  /** Rejects when the database does not answer over these connections. */
  ping(): Promise<void>;
}

export function createOrderReads(pool: SqlExecutor): OrderReads {
  const limits = { maxItems: MAX_TOGETHER, maxUnderWay: MAX_UNDER_WAY };
  const orders = createBatches<AskedOrder, FoundOrder | null>({
    ...limits,
    work: async (asked) => {
      const [first] = asked;
      return first !== undefined && asked.length === 1 ? [await findOne(first)] : findOrders(pool, asked);
    },
  });
  const takers = createBatches<AskedTaker, OrderForTaker | null>({
    ...limits,
    work: async (asked) => {
      const [first] = asked;
      return first !== undefined && asked.length === 1
        ? [await findOrderForTaker(pool, first.vendorId, first.orderId)]
        : findOrdersForTakers(pool, asked);
    },
  });
  const facts = createBatches<string | null, NewOrderFacts>({
    ...limits,
    async work(workTypes) {
      const read = new Map<string | null, Promise<NewOrderFacts>>();
      for (const workType of new Set(workTypes)) read.set(workType, readNewOrderFacts(pool, workType));
      return Promise.all(
        workTypes.map((workType) => read.get(workType) ?? readNewOrderFacts(pool, workType)),
      );
    },
  });

  function findOne({ orderId, customerServerId, vendorId }: AskedOrder): Promise<FoundOrder | null> {
    if (customerServerId !== null) return findOrderForCustomerServer(pool, customerServerId, orderId);
    return vendorId === null ? findAnyOrder(pool, orderId) : findOrderForVendor(pool, vendorId, orderId);
  }

  return {
    findOrderForCustomerServer: (customerServerId, orderId) =>
      orders.hand({ orderId, customerServerId, vendorId: null }),
    findOrderForVendor: (vendorId, orderId) => orders.hand({ orderId, customerServerId: null, vendorId }),
    findOrderForTaker: (vendorId, orderId) => takers.hand({ orderId, vendorId }),
    findAnyOrder: (orderId) => orders.hand({ orderId, customerServerId: null, vendorId: null }),
    readNewOrderFacts: (workType) => facts.hand(workType),
    async ping() {
      await pool.query('select 1');
    },
  };
}
