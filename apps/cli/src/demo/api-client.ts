const TIMEOUT_MS = 10_000;

export interface ApiAnswer {
  status: number;
  /** Parsed JSON. */
  body: unknown;
}

/** Calls the API as one caller, over HTTP, as any client would. */
export interface ApiClient {
  call(method: 'GET' | 'POST' | 'PUT', path: string, body?: object): Promise<ApiAnswer>;
}

/** `headers` are the caller's credential. */
export function createApiClient(apiUrl: string, headers: Record<string, string>): ApiClient {
  return {
    async call(method, path, body) {
      const response = await fetch(`${apiUrl}${path}`, {
        method,
        headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(body && { body: JSON.stringify(body) }),
      });
      return { status: response.status, body: await response.json() };
    },
  };
}

/**
 * The text, number, … under a path of an answer's body, such as `data.orderId`.
 * @throws Error when there is nothing.
 */
export function readField(answer: ApiAnswer, path: string): unknown {
  let value = answer.body;
  for (const name of path.split('.')) value = (value as Record<string, unknown> | null | undefined)?.[name];
  if (value === undefined) throw new Error(`The answer has no ${path}: ${JSON.stringify(answer.body)}`);
  return value;
}
