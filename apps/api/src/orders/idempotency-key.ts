import { ApiError } from '../errors/api-error.ts';

const MAX_LENGTH = 255;

/**
 * The value of `Idempotency-Key`, as received; null without one.
 *
 * @throws ApiError `validation_failed` when it has not 1 to 255 characters
 */
export function readIdempotencyKey(header: string | string[] | undefined): string | null {
  if (header === undefined) return null;
  if (typeof header === 'string' && header.length > 0 && header.length <= MAX_LENGTH) return header;
  throw new ApiError('validation_failed', {
    details: [`header idempotency-key must be a string of 1 to ${MAX_LENGTH} characters`],
  });
}
