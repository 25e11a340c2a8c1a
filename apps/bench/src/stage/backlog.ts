import { insertChanges } from '@vendor-server/e2e/system/insert-changes.ts';
import type pg from 'pg';

export interface Endpoint {
  readonly customerServerId: string;
  readonly endpointId: string;
}

/** Pauses the endpoints and gives each its part of so many changes, four for each order. Nothing is sent yet. */
export async function fillBacklog(
  pool: pg.Pool,
  endpoints: readonly Endpoint[],
  count: number,
  bodyBytes?: number,
): Promise<void> {
  await setEndpointState(pool, endpoints, 'paused');
  for (const { customerServerId, endpointId } of endpoints) {
    const part = {
      customerServerId,
      endpointIds: [endpointId],
      count: count / endpoints.length,
      ...(bodyBytes !== undefined && { bodyBytes }),
    };
    await insertChanges(pool, part);
  }
}

/** Lets all backlogs out at one moment: the relay finds them. */
export async function openEndpoints(pool: pg.Pool, endpoints: readonly Endpoint[]): Promise<void> {
  await setEndpointState(pool, endpoints, 'active');
}

/** Only writes it: nobody looks at what waits, and what is on its way goes on. */
export async function setEndpointState(
  pool: pg.Pool,
  endpoints: readonly Pick<Endpoint, 'endpointId'>[],
  state: 'active' | 'paused',
): Promise<void> {
  await pool.query('update webhook_endpoints set state = $2 where id = any ($1)', [
    endpoints.map(({ endpointId }) => endpointId),
    state,
  ]);
}
