import type { IncomingMessage } from 'node:http';
import { toCallerNetwork } from '@vendor-server/domain/endpoints/caller-network.ts';
import type { ErrorCode } from '@vendor-server/domain/errors/error-codes.ts';
import type { UseCounter } from '@vendor-server/platform/rate-limits/create-use-counter.ts';
import {
  checkOperatorCredential,
  MISSING_OPERATOR_CREDENTIAL,
  OPERATOR_CHALLENGE,
  WRONG_OPERATOR_CREDENTIAL,
} from '@vendor-server/platform/secrets/check-operator-credential.ts';
import type { Settings } from '@vendor-server/platform/settings/settings.ts';

const MINUTE_MS = 60_000;

export interface Refusal {
  readonly code: ErrorCode;
  /** Default: the code's. */
  readonly message?: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface MetricsGateDeps {
  readonly settings: Pick<Settings, 'adminApiKeys' | 'rateLimitWrongCredentialsPerMinute'>;
  readonly useCounter: Pick<UseCounter, 'count'>;
}

/** Null for a request that may pass. */
export type MetricsGate = (request: Pick<IncomingMessage, 'headers' | 'socket'>) => Refusal | null;

/**
 * Lets operators to the metrics, by the same credential as at the API, and refuses everybody else. Beyond the limit
 * of wrong credentials a minute an address is refused with 429; a right one still passes.
 */
export function createMetricsGate({ settings, useCounter }: MetricsGateDeps): MetricsGate {
  const limit = settings.rateLimitWrongCredentialsPerMinute;
  const challenge = { 'www-authenticate': OPERATOR_CHALLENGE };

  return ({ headers, socket }) => {
    const check = checkOperatorCredential(settings, headers.authorization);
    if (check === 'right') return null;
    if (check === 'missing') {
      return { code: 'unauthorized', message: MISSING_OPERATOR_CREDENTIAL, headers: challenge };
    }
    const network = toCallerNetwork(socket.remoteAddress ?? '');
    const { used, endsInMs } = useCounter.count(`wrong-credentials:${network}`, MINUTE_MS);
    if (limit > 0 && used > limit) {
      return { code: 'rate_limited', headers: toRateLimitHeaders(limit, endsInMs) };
    }
    return { code: 'unauthorized', message: WRONG_OPERATOR_CREDENTIAL, headers: challenge };
  };
}

/** As the API says it. */
function toRateLimitHeaders(limit: number, endsInMs: number): Record<string, string> {
  const seconds = String(Math.max(1, Math.ceil(endsInMs / 1_000)));
  return {
    'retry-after': seconds,
    'ratelimit-limit': String(limit),
    'ratelimit-remaining': '0',
    'ratelimit-reset': seconds,
  };
}
