import { Counter, type Registry } from '@prometheus-io/client';
import { FINAL_DELIVERY_STATES } from '@vendor-server/domain/deliveries/delivery-state.ts';

/**
 * Ends of deliveries: by an attempt or by being held too long at the worker; of what was deleted with its endpoint or
 * replaced, where that is found.
 */
export interface DeliveryMetrics {
  /** Called after the end was committed. */
  countFinished(state: (typeof FINAL_DELIVERY_STATES)[number], count: number): void;
}

export function createDeliveryMetrics(registry: Registry): DeliveryMetrics {
  const finished = new Counter({
    name: 'vendor_server_deliveries_finished_total',
    help: 'Deliveries that ended, by the state they ended in; "cancelled" with their endpoint, "superseded" by a newer change.',
    labelNames: ['state'],
    registers: [registry],
  });
  // From the start, so that the first one is an increase.
  for (const state of FINAL_DELIVERY_STATES) finished.inc({ state }, 0);
  return { countFinished: (state, count) => finished.inc({ state }, count) };
}
