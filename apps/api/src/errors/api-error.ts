import { ERROR_CODES, type ErrorCode } from '@vendor-server/domain/errors/error-codes.ts';

export interface ApiErrorOptions {
  /** A sentence for the caller, in place of the code's own. Never holds secrets or internals. */
  readonly message?: string;
  /** One `<field path> <rule>` per fault. */
  readonly details?: readonly string[];
  /** With `cursor_expired`: where to go on from. */
  readonly oldestCursor?: string;
  /** Headers of the answer, e.g. `retry-after`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** For the log only. */
  readonly cause?: unknown;
}

/** An answer other than success. Its status and public sentence follow from its code. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode;
  readonly status: number;
  readonly details: readonly string[] | undefined;
  readonly oldestCursor: string | undefined;
  readonly headers: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, options: ApiErrorOptions = {}) {
    super(options.message ?? ERROR_CODES[code].message, { cause: options.cause });
    this.code = code;
    this.status = ERROR_CODES[code].status;
    this.details = options.details;
    this.oldestCursor = options.oldestCursor;
    this.headers = options.headers ?? {};
  }
}
