import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { buildServiceOrder } from '../sample-bodies.ts';

const SINCE = '2026-01-01T00:00:00.000Z';
const ENDPOINT_URL = 'http://127.0.0.1:4000/sample';
const NOTES = { vendorNotes: 'sample notes' };
const REASON = { reason: 'sample reason' };

/** Ids of the tenant whom a body is about. */
export interface BodyIds {
  readonly customerServerId: string;
  readonly vendorId: string;
}

/** A body that each operation takes, by its operationId. A route that takes a body and is not here fails the walk. */
const SAMPLES: Readonly<Record<string, (ids: BodyIds) => object>> = {
  createOrder: () => buildServiceOrder(),
  cancelOrder: () => REASON,
  startReplay: () => ({ since: SINCE }),
  // A vendor of its own for every call: what is reported of a vendor is about that vendor alone.
  reportVendorUpdate: () => ({ vendorId: `sample-${createId()}` }),
  testWebhook: () => ({ webhookUrl: ENDPOINT_URL }),
  createWebhookEndpoint: () => ({ url: ENDPOINT_URL }),
  updateWebhookEndpoint: () => ({ timeoutMs: 5_000 }),
  rotateWebhookEndpointSecret: () => ({ overlapHours: 1 }),
  updateVendorMe: () => ({ businessAddress: '1 Sample Road' }),
  setPresence: () => ({ online: true }),
  startOrder: () => NOTES,
  confirmArrival: () => NOTES,
  completeOrder: () => NOTES,
  acceptOrder: () => NOTES,
  requestPayment: () => ({ amount: 10 }),
  cancelVendorOrder: () => REASON,
  rejectOrder: () => REASON,
  createCustomerServer: () => ({ name: 'Sample server' }),
  updateCustomerServer: () => ({ name: 'Sample server, renamed' }),
  rotateCustomerServerSecret: () => ({ overlapHours: 1 }),
  assignOrder: ({ vendorId }) => ({ vendorId }),
  cancelAnyOrder: () => REASON,
  startReplayForCustomerServer: ({ customerServerId }) => ({ since: SINCE, customerServerId }),
  createVendor: () => ({ vendorName: 'Sample vendor', mobile: '+910000000002' }),
  updateVendor: () => ({ businessAddress: '1 Sample Road' }),
  updateAnyWebhookEndpoint: () => ({ timeoutMs: 5_000 }),
  rotateAnyWebhookEndpointSecret: () => ({ overlapHours: 1 }),
};

/** @throws for an operation that no sample is known of */
export function sampleBodyOf(operationId: string, ids: BodyIds): object {
  const sample = SAMPLES[operationId];
  if (sample === undefined)
    throw new Error(`There is no sample body of ${operationId}: add one, so that it is walked.`);
  return sample(ids);
}
