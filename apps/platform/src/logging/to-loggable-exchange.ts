import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-outcome.ts';
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
  return (
    secrets
      // An endpoint that answers JSON writes quotes and backslashes escaped.
      .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1)])
      .filter((secret) => secret !== '')
      .reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text)
  );
}
