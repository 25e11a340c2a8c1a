import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { REDACTED } from './redact.ts';
import { toUrlWithoutQuery } from './to-url-without-query.ts';

export interface LoggableRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface LoggableExchange {
  readonly request: LoggableRequest;
  readonly response: AttemptResult;
}

/** Fewer characters of a secret tell nothing, and any text may end with them. */
const MIN_TELLING_LENGTH = 4;
const SECRET_HEADERS = new Set(['x-vendor-server-secret', 'webhook-signature']);

/**
 * A webhook request and what came of it, as DEBUG_WEBHOOKS logs them: without the URL's query and credentials,
 * without secret and signature, and also where the endpoint echoes either in its answer.
 */
export function toLoggableExchange(request: LoggableRequest, result: AttemptResult): LoggableExchange {
  const secrets: string[] = [];
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    const isSecret = SECRET_HEADERS.has(name.toLowerCase());
    if (isSecret) secrets.push(value);
    headers[name] = isSecret ? REDACTED : value;
  }
  return {
    request: { url: toUrlWithoutQuery(request.url), headers, body: request.body },
    response: { ...result, responseExcerpt: withoutSecrets(result.responseExcerpt, secrets) },
  };
}

function withoutSecrets(text: string | null, secrets: readonly string[]): string | null {
  if (text === null) return null;
  const forms = secrets
    // An endpoint that answers JSON writes quotes and backslashes escaped.
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
    .filter((secret) => secret !== '');
  const whole = forms.reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text);
  return forms.reduce(withoutBeginningAtEnd, whole);
}

/** An excerpt may have been cut in the midst of a secret. */
function withoutBeginningAtEnd(text: string, secret: string): string {
  for (let length = secret.length - 1; length >= MIN_TELLING_LENGTH; length -= 1) {
    if (text.endsWith(secret.slice(0, length))) return text.slice(0, -length) + REDACTED;
  }
  return text;
}
