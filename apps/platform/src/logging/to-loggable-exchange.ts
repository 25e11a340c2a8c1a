import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { redactSecrets } from '../secrets/redact-echoes.ts';
import { REDACTED } from './redact.ts';
import { toLoggableUrl } from './to-loggable-url.ts';

export interface LoggableRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface LoggableExchange {
  readonly request: LoggableRequest;
  readonly response: AttemptResult;
}

/** A shorter path, such as `/updates`, is a name and no secret. */
const MIN_SECRET_PATH_LENGTH = 12;
const SECRET_HEADERS = new Set(['x-vendor-server-secret', 'webhook-signature']);

/**
 * A webhook request and what came of it, as DEBUG_WEBHOOKS logs them: without secret and signature, and of the URL
 * with its origin only, also where the endpoint echoes any of these in its answer.
 */
export function toLoggableExchange(request: LoggableRequest, result: AttemptResult): LoggableExchange {
  const { pathname, search } = new URL(request.url);
  const { responseExcerpt } = result;
  const secrets = [pathname, search, pathname + search].filter(
    ({ length }) => length >= MIN_SECRET_PATH_LENGTH,
  );
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    const isSecret = SECRET_HEADERS.has(name.toLowerCase());
    if (isSecret) secrets.push(value);
    headers[name] = isSecret ? REDACTED : value;
  }
  return {
    request: { url: toLoggableUrl(request.url), headers, body: request.body },
    response: {
      ...result,
      // Secrets were taken out of it before: its length does not tell any more whether it was cut.
      responseExcerpt: responseExcerpt && redactSecrets(responseExcerpt, secrets, { mayBeCut: true }),
    },
  };
}
