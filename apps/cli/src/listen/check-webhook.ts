import type { IncomingHttpHeaders } from 'node:http';
import { signWebhook } from '@vendor-server/domain/webhooks/sign-webhook.ts';
import { secretsEqual } from '@vendor-server/platform/secrets/hash-secret.ts';

/** Receivers reject what is older, as the integration guide and Standard Webhooks advise. */
const MAX_AGE_MS = 5 * 60_000;

export type CheckResult = 'right' | 'wrong' | 'missing' | 'not checked';

export interface WebhookChecks {
  secret: CheckResult;
  signature: CheckResult;
  timestamp: CheckResult;
}

/** Whether the sender proved who it is, and that the request is not an old one repeated. */
export function checkWebhook(
  { headers, body }: { headers: IncomingHttpHeaders; body: string },
  expected: { secret: string | null; signingSecret: string | null },
  now: Date,
): WebhookChecks {
  return {
    secret: expected.secret === null ? 'not checked' : checkSecret(headers, expected.secret),
    signature:
      expected.signingSecret === null ? 'not checked' : checkSignature(headers, body, expected.signingSecret),
    timestamp: checkTimestamp(headers, now),
  };
}

function checkSecret(headers: IncomingHttpHeaders, secret: string): CheckResult {
  const presented = headers['x-vendor-server-secret'];
  if (typeof presented !== 'string') return 'missing';
  return secretsEqual(presented, secret) ? 'right' : 'wrong';
}

/** Any of several space-separated signatures may match: during a rotation a sender signs with both secrets. */
function checkSignature(headers: IncomingHttpHeaders, body: string, signingSecret: string): CheckResult {
  const id = headers['webhook-id'];
  const timestamp = headers['webhook-timestamp'];
  const signatures = headers['webhook-signature'];
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signatures !== 'string')
    return 'missing';
  const expected = signWebhook([signingSecret], id, Number(timestamp), body);
  return signatures.split(' ').some((signature) => secretsEqual(signature, expected)) ? 'right' : 'wrong';
}

function checkTimestamp(headers: IncomingHttpHeaders, now: Date): CheckResult {
  const timestamp = headers['x-webhook-timestamp'];
  if (typeof timestamp !== 'string') return 'missing';
  const ageMs = now.getTime() - new Date(timestamp).getTime();
  // Written so that a timestamp that is no date counts as wrong.
  return Math.abs(ageMs) <= MAX_AGE_MS ? 'right' : 'wrong';
}
