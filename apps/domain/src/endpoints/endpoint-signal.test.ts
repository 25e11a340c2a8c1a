import { expect, test } from 'vitest';
import { ATTEMPT_REASON_CODES, type AttemptReason } from '../deliveries/attempt-reasons.ts';
import { toStatusReason } from '../deliveries/status-reason.ts';
import { type EndpointSignal, readEndpointSignal } from './endpoint-signal.ts';

/** By hand: a reason that is new fails here until somebody has decided what it says of an endpoint. */
const REASONS: Record<EndpointSignal, readonly AttemptReason[]> = {
  accepted: ['accepted'],
  answered: ['redirect_not_followed', 'unauthorized', 'gone', 'client_error'],
  failed: [
    'request_timeout',
    'service_unavailable',
    'server_error',
    'unknown_status',
    'incomplete_response',
    'invalid_http',
    'ambiguous_length',
    'unasked_upgrade',
    'informational_flood',
    'headers_too_large',
  ],
  silent: [
    'too_many_requests',
    'not_connected',
    'no_answer',
    'connection_refused',
    'connection_reset',
    'connection_closed',
    'connect_timed_out',
    'host_unreachable',
    'network_unreachable',
    'connection_failed',
    'name_not_found',
    'name_without_address',
    'name_server_failed',
    'dns_timed_out',
    'certificate_expired',
    'certificate_not_yet_valid',
    'certificate_wrong_name',
    'certificate_self_signed',
    'certificate_issuer_unknown',
    'certificate_not_accepted',
    'client_certificate_required',
    'tls_version_not_supported',
    'plaintext_on_tls_port',
    'tls_handshake_failed',
  ],
  untried: ['not_sent', 'blocked_address', 'interrupted', 'own_fault'],
};

test.each(Object.entries(REASONS))('%s is what these reasons say of an endpoint', (signal, reasons) => {
  const others = reasons.filter((reason) => readEndpointSignal(reason) !== signal);
  expect(others).toEqual([]);
});

test('every reason says something', () => {
  expect(Object.values(REASONS).flat().toSorted()).toEqual(ATTEMPT_REASON_CODES.toSorted());
});

test.each([
  [204, 'accepted'],
  [308, 'answered'],
  [400, 'answered'],
  [408, 'failed'],
  [410, 'answered'],
  [425, 'answered'],
  [429, 'silent'],
  [500, 'failed'],
  [503, 'failed'],
  [600, 'failed'],
])('a status of %i: %s', (status, signal) => {
  expect(readEndpointSignal(toStatusReason(status))).toBe(signal);
});
