import type { OrderStatus } from '@vendor-server/domain/orders/order-status.ts';
import Type from 'typebox';
import { PageQuery } from '../plugins/paging.ts';
import { Id, Status, Timestamp } from '../schemas/common-schemas.ts';
import { parseTimestamp } from '../schemas/parse-timestamp.ts';
import type { OrderFilter } from './list-orders-sql.ts';

const FILTERS = {
  ...PageQuery,
  status: Type.Optional(Status),
  customerId: Type.Optional(Type.String({ minLength: 1, maxLength: 200 })),
  since: Type.Optional(Timestamp),
  until: Type.Optional(Timestamp),
};

/** Query of a customer server's list of orders. */
export const OrderQuery = Type.Object(FILTERS, { additionalProperties: false });

/** Query of the operators' search over all orders. */
export const AllOrdersQuery = Type.Object(
  { ...FILTERS, customerServerId: Type.Optional(Id), vendorId: Type.Optional(Id) },
  { additionalProperties: false },
);

/** @param query validated by one of the schemas above */
export function toOrderFilter(query: {
  status?: OrderStatus;
  customerId?: string;
  customerServerId?: string;
  vendorId?: string;
  since?: string;
  until?: string;
}): OrderFilter {
  const { status, customerId, customerServerId, vendorId, since, until } = query;
  return {
    status,
    customerId,
    customerServerId,
    vendorId,
    since: since === undefined ? undefined : (parseTimestamp(since) ?? undefined),
    until: until === undefined ? undefined : (parseTimestamp(until) ?? undefined),
  };
}
