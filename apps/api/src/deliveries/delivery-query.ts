import { DELIVERY_STATES, type DeliveryState } from '@vendor-server/domain/deliveries/delivery-state.ts';
import Type from 'typebox';
import { PageQuery } from '../plugins/paging.ts';
import { Id, Timestamp } from '../schemas/common-schemas.ts';
import { parseTimestamp } from '../schemas/parse-timestamp.ts';
import type { DeliveryFilter } from './list-deliveries-sql.ts';

const FILTERS = {
  ...PageQuery,
  state: Type.Optional(Type.Enum([...DELIVERY_STATES])),
  orderId: Type.Optional(Id),
  endpointId: Type.Optional(Id),
  since: Type.Optional(Timestamp),
  until: Type.Optional(Timestamp),
};

/** Query of a customer server's list of deliveries. */
export const DeliveryQuery = Type.Object(FILTERS, { additionalProperties: false });

/** Query of the operators' list over all tenants. */
export const AllDeliveriesQuery = Type.Object(
  { ...FILTERS, customerServerId: Type.Optional(Id) },
  { additionalProperties: false },
);

/** @param query validated by one of the schemas above */
export function toDeliveryFilter(query: {
  state?: DeliveryState;
  orderId?: string;
  endpointId?: string;
  customerServerId?: string;
  since?: string;
  until?: string;
}): DeliveryFilter {
  const { state, orderId, endpointId, customerServerId, since, until } = query;
  return {
    state,
    orderId,
    endpointId,
    customerServerId,
    since: since === undefined ? undefined : (parseTimestamp(since) ?? undefined),
    until: until === undefined ? undefined : (parseTimestamp(until) ?? undefined),
  };
}
