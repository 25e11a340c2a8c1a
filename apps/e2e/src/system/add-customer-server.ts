import { type Caller, createCaller } from './create-caller.ts';
import type { System } from './create-system.ts';

/** What it takes to add somebody to a system. */
export type Administered = Pick<System, 'operator' | 'apiUrl'>;

/** Calls at a time. */
const CALLS_AT_ONCE = 10;

/** A customer server that no other test uses, with its one endpoint. */
export interface CustomerServer extends Caller {
  readonly customerServerId: string;
  readonly secret: string;
  readonly endpointId: string;
  /** `whsec_…` */
  readonly signingSecret: string;
}

export interface EndpointChanges {
  readonly timeoutMs?: number;
  readonly retryDelaysMs?: readonly number[];
  readonly state?: 'active' | 'paused';
}

interface Created {
  customerServerId: string;
  secret: string;
  endpoint: { endpointId: string; signingSecret: string };
}

/** @param webhookUrl where its webhooks go */
export async function addCustomerServer(system: Administered, webhookUrl: string): Promise<CustomerServer> {
  const { customerServerId, secret, endpoint } = await system.operator.ask<Created>(
    'POST',
    '/api/admin/customer-servers',
    { name: 'Test customer server', webhookUrl },
  );
  return {
    ...createCaller(system.apiUrl, { 'x-customer-secret': secret }),
    customerServerId,
    secret,
    ...endpoint,
  };
}

/** Customer servers with an endpoint each. */
export async function addCustomerServers(
  system: Administered,
  count: number,
  urlOf: (n: number) => string,
): Promise<CustomerServer[]> {
  const added: CustomerServer[] = [];
  while (added.length < count) {
    const part = Math.min(CALLS_AT_ONCE, count - added.length);
    const numbers = Array.from({ length: part }, (_, index) => added.length + index);
    added.push(...(await Promise.all(numbers.map((n) => addCustomerServer(system, urlOf(n))))));
  }
  return added;
}

/** Changes an endpoint in the database: its state without a look at what waits for it. */
export async function changeEndpoint(
  { database }: Pick<System, 'database'>,
  { endpointId }: Pick<CustomerServer, 'endpointId'>,
  { timeoutMs, retryDelaysMs, state }: EndpointChanges,
): Promise<void> {
  await database.prisma.webhookEndpoint.update({
    where: { id: endpointId },
    data: {
      ...(timeoutMs !== undefined && { timeoutMs }),
      ...(retryDelaysMs !== undefined && { ownRetryDelays: true, retryDelaysMs: [...retryDelaysMs] }),
      ...(state !== undefined && { state }),
    },
  });
}
