interface ErrorDefinition {
  /** The HTTP status that goes with the code. */
  status: number;
  /** What a caller reads when the place that refuses has nothing more precise to say. */
  message: string;
}

/** Every stable error code. Clients decide by the code; the message is for people and may be replaced. */
export const ERROR_CODES = {
  invalid_request: { status: 400, message: 'The request is not valid HTTP or has an invalid URL.' },
  malformed_json: { status: 400, message: 'The body is not valid JSON.' },
  validation_failed: { status: 400, message: 'Validation failed' },
  unauthorized: { status: 401, message: 'Authentication required.' },
  not_found: { status: 404, message: 'Not found.' },
  method_not_allowed: { status: 405, message: 'This path does not support the method.' },
  request_timeout: { status: 408, message: 'The request did not arrive in time.' },
  idempotency_in_progress: {
    status: 409,
    message: 'A request with this Idempotency-Key is still being processed; try again shortly.',
  },
  idempotency_key_reused: {
    status: 409,
    message: 'This Idempotency-Key was already used with a different body.',
  },
  order_transition_not_allowed: { status: 409, message: 'The order cannot make this change now.' },
  order_already_taken: { status: 409, message: 'Another vendor has already taken this order.' },
  order_held_by_another_vendor: { status: 409, message: 'Another vendor holds this order.' },
  vendor_offline: { status: 409, message: 'Go online before accepting a pending order.' },
  payment_already_requested: {
    status: 409,
    message: 'Payment for this order was already requested or made.',
  },
  delivery_not_finished: { status: 409, message: 'The delivery is still under way.' },
  endpoint_limit_reached: {
    status: 409,
    message: 'The customer server has as many webhook endpoints as it may.',
  },
  endpoint_paused: { status: 409, message: 'The webhook endpoint is paused.' },
  endpoint_disabled: { status: 409, message: 'The webhook endpoint is disabled.' },
  endpoint_deleted: { status: 409, message: 'The webhook endpoint was deleted.' },
  personal_data_erased: { status: 409, message: 'The personal data of this order was erased.' },
  cursor_expired: { status: 410, message: 'The cursor is older than what is kept.' },
  payload_too_large: { status: 413, message: 'The body is larger than 256 KiB.' },
  unsupported_media_type: { status: 415, message: 'The content type must be application/json.' },
  expectation_failed: { status: 417, message: 'Of the Expect header only 100-continue is known.' },
  rate_limited: { status: 429, message: 'Too many requests; try again later.' },
  headers_too_large: { status: 431, message: 'The request headers are too large.' },
  internal_error: { status: 500, message: 'Something went wrong on our side.' },
  database_unavailable: {
    status: 503,
    message: 'The service is temporarily unavailable; try again shortly.',
  },
  queue_unavailable: { status: 503, message: 'The queue does not answer; try again shortly.' },
  overloaded: { status: 503, message: 'The service has more to do than it can; try again shortly.' },
  shutting_down: { status: 503, message: 'The service is restarting; try again shortly.' },
} as const satisfies Record<string, ErrorDefinition>;

export type ErrorCode = keyof typeof ERROR_CODES;
