/**
 * How many requests a caller may make, and how many wrong credentials may come from one address.
 *
 * A caller is counted by who it is, once that is known: two servers that share a secret or an address do not
 * hinder each other more than they must, and no secret is part of a key. Whoever is not known is counted by its
 * address, and only for presenting something wrong: the right credential passes also from an address that was
 * just used to guess, so nobody can lock out a neighbour.
 */
import { toCallerNetwork } from '@vendor-server/domain/endpoints/caller-network.ts';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { AppDeps } from '../app-deps.ts';
import { ApiError, type ApiErrorOptions } from '../errors/api-error.ts';

type RateLimitDeps = Pick<AppDeps, 'settings' | 'useCounter'>;

/** Headers of the IETF draft "RateLimit header fields for HTTP", in its widespread three-header form. */
type RateLimitHeaders = {
  'ratelimit-limit': string;
  'ratelimit-remaining': string;
  /** Seconds until the count starts again. */
  'ratelimit-reset': string;
};

export interface RateLimit {
  /** Part of the key: what is counted. */
  readonly name: string;
  readonly maxPerMinute: number;
}

const MINUTE_MS = 60_000;

/** Partners are one caller, and so are operators: each shares a secret. */
export type Caller =
  | { readonly kind: 'customer-server'; readonly id: string }
  | { readonly kind: 'vendor'; readonly id: string }
  | { readonly kind: 'partner' }
  | { readonly kind: 'operator' };

/**
 * Counts one more request of a caller whose credential is right, and says in the answer's headers what is left.
 *
 * @throws ApiError `rate_limited`
 */
export function countRequest({ settings, useCounter }: RateLimitDeps, reply: FastifyReply, caller: Caller) {
  const maxPerMinute =
    caller.kind === 'vendor' ? settings.rateLimitVendorPerMinute : settings.rateLimitPerMinute;
  countUse(useCounter, reply, { name: 'requests', maxPerMinute }, toCallerKey(caller));
}

/**
 * Counts one more use of something that is limited, and says in the answer's headers what is left.
 *
 * @throws ApiError `rate_limited`
 */
export function countUse(
  useCounter: AppDeps['useCounter'],
  reply: FastifyReply,
  limit: RateLimit,
  callerKey: string,
): void {
  if (limit.maxPerMinute === 0) return;
  const { isExceeded, headers } = use(useCounter, limit, callerKey);
  if (isExceeded) throw tooMany(headers);
  reply.headers(headers);
}

/**
 * To be thrown for every credential that is wrong: `unauthorized`, or `rate_limited` once too many of its
 * address were wrong.
 */
export function refuseCredential(
  { settings, useCounter }: RateLimitDeps,
  request: FastifyRequest,
  refusal: ApiErrorOptions,
): ApiError {
  const limit = { name: 'wrong-credentials', maxPerMinute: settings.rateLimitWrongCredentialsPerMinute };
  if (limit.maxPerMinute > 0) {
    const { isExceeded, headers } = use(useCounter, limit, toCallerNetwork(request.ip));
    if (isExceeded) {
      return tooMany(headers, 'Too many wrong credentials from this address; try again later.');
    }
  }
  return new ApiError('unauthorized', refusal);
}

export function toCallerKey(caller: Caller): string {
  return 'id' in caller ? `${caller.kind}:${caller.id}` : caller.kind;
}

function use(
  useCounter: AppDeps['useCounter'],
  { name, maxPerMinute }: RateLimit,
  callerKey: string,
): { isExceeded: boolean; headers: RateLimitHeaders } {
  const { used, endsInMs } = useCounter.count(`${name}:${callerKey}`, MINUTE_MS);
  return {
    isExceeded: used > maxPerMinute,
    headers: {
      'ratelimit-limit': String(maxPerMinute),
      'ratelimit-remaining': String(Math.max(0, maxPerMinute - used)),
      'ratelimit-reset': String(Math.max(1, Math.ceil(endsInMs / 1_000))),
    },
  };
}

function tooMany(headers: RateLimitHeaders, message?: string): ApiError {
  return new ApiError('rate_limited', {
    ...(message !== undefined && { message }),
    headers: { ...headers, 'retry-after': headers['ratelimit-reset'] },
  });
}
