import { expect, it } from 'vitest';
import { ERROR_CODES, type ErrorCode } from './error-codes.ts';

/** The codes that clients are promised, with the status each comes with. */
const PROMISED: [ErrorCode, number][] = [
  ['validation_failed', 400],
  ['not_found', 404],
  ['idempotency_in_progress', 409],
  ['idempotency_key_reused', 409],
  ['order_transition_not_allowed', 409],
  ['order_already_taken', 409],
  ['vendor_offline', 409],
  ['payment_already_requested', 409],
  ['delivery_not_finished', 409],
  ['endpoint_limit_reached', 409],
  ['endpoint_paused', 409],
  ['endpoint_disabled', 409],
  ['endpoint_deleted', 409],
  ['personal_data_erased', 409],
  ['cursor_expired', 410],
];

it.each(PROMISED)('%s comes with %i', (code, status) => {
  expect(ERROR_CODES[code].status).toBe(status);
});

it.each(Object.entries(ERROR_CODES))(
  '%s is snake_case and has an error status and a sentence',
  (code, error) => {
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/);
    expect(error.status >= 400 && error.status < 600).toBe(true);
    expect(error.message).not.toBe('');
  },
);
