const TIMEOUT_MS = 40_000;

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface Answer<Data> {
  readonly status: number;
  readonly headers: Headers;
  /** Parsed JSON; `data` is there on success, the rest of it on failure. */
  readonly body: {
    readonly ok: boolean;
    readonly data: Data;
    readonly error: string;
    readonly code: string;
    readonly requestId: string;
  };
}

export interface CallOptions {
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  /** Another API than the caller's. */
  readonly apiUrl?: string;
}

/** Somebody who calls the API over HTTP with a credential of theirs. */
export interface Caller {
  call<Data>(method: Method, path: string, options?: CallOptions): Promise<Answer<Data>>;
  /** As `call`, for a request that must succeed: gives `data`. */
  ask<Data>(method: Method, path: string, body?: object): Promise<Data>;
}

/** @param apiUrlOf asked at each call, because an API that was started again is somewhere else */
export function createCaller(apiUrlOf: () => string, credential: Readonly<Record<string, string>>): Caller {
  async function call<Data>(
    method: Method,
    path: string,
    { body, headers, apiUrl }: CallOptions = {},
  ): Promise<Answer<Data>> {
    const response = await fetch(`${apiUrl ?? apiUrlOf()}${path}`, {
      method,
      headers: { ...credential, ...(body && { 'content-type': 'application/json' }), ...headers },
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...(body && { body: JSON.stringify(body) }),
    });
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Answer<Data>['body'],
    };
  }

  return {
    call,
    async ask<Data>(method: Method, path: string, body?: object) {
      const answer = await call<Data>(method, path, body && { body });
      if (answer.status >= 300) {
        throw new Error(`${method} ${path} was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
      }
      return answer.body.data;
    },
  };
}
