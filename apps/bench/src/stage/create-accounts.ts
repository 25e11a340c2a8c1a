import { insertChanges } from '@vendor-server/e2e/system/insert-changes.ts';
import { splitIntoParts } from '@vendor-server/platform/queue/split-into-parts.ts';
import type { Stage } from './create-stage.ts';

/** Accounts, each on a connection of its own: one after the other, a million deliveries took 51 s. */
const INSERTED_AT_ONCE = 2;

/** Customer servers with several endpoints each, all of which are told of every change. */
export interface Accounts {
  readonly endpoints: readonly { readonly endpointId: string }[];
  /** Makes so many deliveries that wait, evenly over the endpoints; four changes for each order. */
  insert(deliveries: number): Promise<void>;
}

/** Gives each customer server of the stage so many endpoints, the one that it has included. */
export async function createAccounts(stage: Stage, endpointsEach: number): Promise<Accounts> {
  const accounts: { customerServerId: string; endpointIds: string[] }[] = [];
  for (const customerServer of stage.customerServers) {
    const { customerServerId, endpointId } = customerServer;
    const endpointIds = [endpointId];
    while (endpointIds.length < endpointsEach) {
      const url = `http://127.0.0.1:${stage.receiver.port}/${accounts.length}-${endpointIds.length}`;
      const made = await customerServer.ask<{ endpointId: string }>(
        'POST',
        '/api/external/webhook-endpoints',
        { url },
      );
      endpointIds.push(made.endpointId);
    }
    accounts.push({ customerServerId, endpointIds });
  }
  return {
    endpoints: accounts.flatMap(({ endpointIds }) => endpointIds.map((endpointId) => ({ endpointId }))),
    async insert(deliveries) {
      const count = deliveries / (accounts.length * endpointsEach);
      for (const part of splitIntoParts(accounts, INSERTED_AT_ONCE)) {
        await Promise.all(part.map((account) => insertChanges(stage.database.pool, { ...account, count })));
      }
    },
  };
}
