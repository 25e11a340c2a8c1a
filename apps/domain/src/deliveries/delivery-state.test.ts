import { expect, it } from 'vitest';
import { DELIVERY_STATES, FINAL_DELIVERY_STATES, isOpenDeliveryState } from './delivery-state.ts';

it('calls open what can still be sent', () => {
  expect(DELIVERY_STATES.filter(isOpenDeliveryState)).toEqual(['blocked', 'waiting', 'queued']);
  expect(FINAL_DELIVERY_STATES.some(isOpenDeliveryState)).toBe(false);
});
