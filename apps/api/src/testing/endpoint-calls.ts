import type { TestApi } from './create-test-api.ts';

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';
type Headers = Record<string, string>;

/** Where no test sends anything. */
export const URL_1 = 'http://127.0.0.1:4000/updates';
export const URL_2 = 'http://127.0.0.1:4000/moved';

/** Calls of `/api/external/webhook-endpoints`. */
export function createEndpointCalls(api: TestApi) {
  async function ask(method: Method, path: string, payload: object | undefined, headers: Headers) {
    const url = path.startsWith('/api') ? path : `/api/external/webhook-endpoints${path}`;
    const answer = await api.app.inject({ method, url, headers, ...(payload && { payload }) });
    return { status: answer.statusCode, body: answer.json() };
  }

  return {
    ask,
    /** An endpoint of a customer server of its own, and calls of that endpoint by its owner. */
    async addEndpoint(body: object = {}) {
      const server = await api.addCustomerServer();
      const created = await ask('POST', '', { url: URL_1, ...body }, server.headers);
      if (created.status !== 201) throw new Error(`no endpoint was made: ${JSON.stringify(created.body)}`);
      const { endpointId, signingSecret } = created.body.data as Record<string, string>;
      if (endpointId === undefined || signingSecret === undefined) throw new Error('the answer is not whole');
      const call = (method: Method, path = '', payload?: object) =>
        ask(method, `/${endpointId}${path}`, payload, server.headers);
      return { endpointId, signingSecret, server, call };
    },
    readStored: (id: string) => api.database.prisma.webhookEndpoint.findUniqueOrThrow({ where: { id } }),
  };
}

export type EndpointCalls = ReturnType<typeof createEndpointCalls>;
