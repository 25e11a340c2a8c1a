import {
  isDatabaseUnavailable,
  isLockTimeout,
  isStatementCancelled,
} from '@vendor-server/platform/database/database-errors.ts';
import { ApiError } from './api-error.ts';

/** The body of every answer that is not a success. */
export interface FailureBody {
  readonly ok: false;
  /** A sentence a person can act on. */
  readonly error: string;
  /** Stable, snake_case. */
  readonly code: string;
  /** One `<field path> <rule>` per fault. */
  readonly details?: readonly string[];
  /** With `cursor_expired`: the oldest cursor after which the feed is complete. */
  readonly oldestCursor?: string;
  readonly requestId: string;
}

/** How long a caller should wait while the database is away: it recovers in seconds or not soon. */
const DATABASE_RETRY_AFTER_SECONDS = '2';

/**
 * The one mapping from whatever was thrown to an answer. Decides by code; an error it does not know is a
 * fault of ours and shows nothing of itself.
 */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  const cause = error;
  switch (codeOf(error)) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new ApiError('payload_too_large', { cause });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new ApiError('unsupported_media_type', { cause });
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new ApiError('invalid_request', {
        message: 'The content-length header is not the length of the body.',
        cause,
      });
    case 'FST_ERR_BAD_URL':
      return new ApiError('invalid_request', { message: 'The URL is not valid percent-encoding.', cause });
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new ApiError('not_found', { cause });
    default:
      // Fastify's mark on what is wrong with a request, such as a body that broke off with its connection:
      // the same socket errors come from the database.
      if (isClientFault(error)) return new ApiError('invalid_request', { cause });
      return toDatabaseError(error) ?? new ApiError('internal_error', { cause });
  }
}

/** An error of a database that is away, or there and not keeping up; null for any other. */
function toDatabaseError(cause: unknown): ApiError | null {
  if (!isDatabaseUnavailable(cause) && !isLockTimeout(cause) && !isStatementCancelled(cause)) return null;
  return new ApiError('database_unavailable', {
    headers: { 'retry-after': DATABASE_RETRY_AFTER_SECONDS },
    cause,
  });
}

/**
 * @param sentence replaces the error's own sentence, for the routes whose older failure shape has a fixed one
 */
export function toFailureBody(error: ApiError, requestId: string, sentence?: string): FailureBody {
  return {
    ok: false,
    error: sentence ?? error.message,
    code: error.code,
    ...(error.details === undefined ? {} : { details: error.details }),
    ...(error.oldestCursor === undefined ? {} : { oldestCursor: error.oldestCursor }),
    requestId,
  };
}

function isClientFault(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('statusCode' in error)) return false;
  const { statusCode } = error;
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500;
}

function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}
