import type { FullOrderInput, ServiceOrderInput } from '@vendor-server/domain/orders/build-new-order.ts';
import type { Static } from 'typebox';
import { ApiError } from '../errors/api-error.ts';
import { compileFaultFinder } from '../errors/find-faults.ts';
import { parseTimestamp } from '../schemas/parse-timestamp.ts';
import { FullOrderBody, ServiceOrderBody } from './new-order-schemas.ts';

const findServiceOrderFaults = compileFaultFinder(ServiceOrderBody, 'body');
const findFullOrderFaults = compileFaultFinder(FullOrderBody, 'body');

/**
 * Reads either body of an order's creation; the one with `items` is a full order.
 *
 * @throws ApiError `validation_failed` with every fault, missing fields first
 */
export function parseNewOrder(body: object): ServiceOrderInput | FullOrderInput {
  const isFullOrder = 'items' in body;
  const details = isFullOrder ? findFullOrderFaults(body) : findServiceOrderFaults(body);
  if (details.length > 0) throw new ApiError('validation_failed', { details });
  return isFullOrder
    ? toFullOrder(body as Static<typeof FullOrderBody>)
    : toServiceOrder(body as Static<typeof ServiceOrderBody>);
}

function toServiceOrder(body: Static<typeof ServiceOrderBody>): ServiceOrderInput {
  return {
    customerId: body.customerId,
    customerName: body.customerName,
    customerPhone: body.customerPhone,
    customerAddress: body.customerAddress,
    workType: body.workType,
    description: body.description,
    location: body.location,
    estimatedPrice: body.estimatedPrice ?? undefined,
    urgency: body.urgency ?? undefined,
    ...toCommonInput(body),
  };
}

function toFullOrder(body: Static<typeof FullOrderBody>): FullOrderInput {
  return {
    customerId: body.customerId,
    pickup: body.pickup,
    drop: body.drop,
    items: body.items,
    fare: body.fare,
    customerNotes: body.customerNotes,
    ...toCommonInput(body),
  };
}

function toCommonInput(
  body: Pick<Static<typeof FullOrderBody>, 'paymentMethod' | 'scheduledAt' | 'metadata'>,
) {
  return {
    paymentMethod: body.paymentMethod ?? undefined,
    scheduledAt: typeof body.scheduledAt === 'string' ? parseTimestamp(body.scheduledAt) : null,
    metadata: body.metadata ?? undefined,
  };
}
