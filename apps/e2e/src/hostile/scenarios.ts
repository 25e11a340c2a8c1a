import { expect, vi } from 'vitest';
import type { CustomerServer } from '../system/add-customer-server.ts';
import { addCustomerServers, type HostileStage } from './create-hostile-stage.ts';
import { createRawReceiver, type RawReceiver } from './create-raw-receiver.ts';
import { insertChanges } from './insert-changes.ts';

/** Customers whose servers misbehave, with their backlogs, ready for a round. */
export interface BadCustomers {
  readonly customerServers: readonly CustomerServer[];
  readonly endpointIds: readonly string[];
}

export interface Scenario {
  readonly title: string;
  /** @param backlog how many changes each customer server has that waits for its endpoints */
  prepare(stage: HostileStage, backlog: number): Promise<BadCustomers>;
}

/** An account's endpoints are limited to this many. */
const MOST_ENDPOINTS = 10;
const MOST_WINDOW = 64;
/** Enough successes for a window to grow to its largest: 16, then 32, then 64, with a margin. */
const WARM_UP_CHANGES = 600;
const WARM_UP_LIMIT = { timeout: 30_000, interval: 50 };

/** What the healthy are to be spared from, mildest first. */
export const SCENARIOS: readonly Scenario[] = [
  { title: 'one hangs', prepare: (stage, backlog) => addHanging(stage, backlog, 1) },
  { title: 'ten hang', prepare: (stage, backlog) => addHanging(stage, backlog, 10) },
  { title: 'a warm one starts to hang', prepare: addWarmThenHanging },
  { title: 'ten of one account hang', prepare: addHangingAccount },
  { title: 'ten without a name server', prepare: addWithoutNameServer },
];

async function addHanging(stage: HostileStage, backlog: number, count: number): Promise<BadCustomers> {
  const { port } = await addReceiver(stage, { hangs: true });
  return addWithBacklogs(stage, backlog, count, (n) => `http://hanging${n}.up.test:${port}/`);
}

async function addWithoutNameServer(stage: HostileStage, backlog: number): Promise<BadCustomers> {
  return addWithBacklogs(stage, backlog, 10, (n) => `http://hook${n}.down.test/`);
}

async function addWithBacklogs(
  stage: HostileStage,
  backlog: number,
  count: number,
  urlOf: (n: number) => string,
): Promise<BadCustomers> {
  const customerServers = await addCustomerServers(stage.system, count, urlOf);
  for (const { customerServerId, endpointId } of customerServers) {
    await insertChanges(stage.system.database.pool, {
      customerServerId,
      endpointIds: [endpointId],
      count: backlog,
    });
  }
  return { customerServers, endpointIds: customerServers.map(({ endpointId }) => endpointId) };
}

/** One customer server, each of whose changes all its endpoints are told of. */
async function addHangingAccount(stage: HostileStage, backlog: number): Promise<BadCustomers> {
  const { port } = await addReceiver(stage, { hangs: true });
  const urlOf = (n: number) => `http://hanging${n}.up.test:${port}/`;
  const [customerServer] = await addCustomerServers(stage.system, 1, urlOf);
  const endpointIds = [customerServer!.endpointId];
  for (let n = 1; n < MOST_ENDPOINTS; n += 1) {
    const { endpointId } = await customerServer!.ask<{ endpointId: string }>(
      'POST',
      '/api/external/webhook-endpoints',
      { url: urlOf(n) },
    );
    endpointIds.push(endpointId);
  }
  const { customerServerId } = customerServer!;
  await insertChanges(stage.system.database.pool, { customerServerId, endpointIds, count: backlog });
  return { customerServers: [customerServer!], endpointIds };
}

/** Its window has grown to the largest there is by the time it hangs. */
async function addWarmThenHanging(stage: HostileStage, backlog: number): Promise<BadCustomers> {
  const receiver = await addReceiver(stage, { hangs: false });
  const { pool } = stage.system.database;
  const bad = await addWithBacklogs(stage, WARM_UP_CHANGES, 1, () => `http://warm.up.test:${receiver.port}/`);
  const { customerServerId, endpointId } = bad.customerServers[0]!;
  await vi.waitFor(() => expect(receiver.receipts).toHaveLength(WARM_UP_CHANGES), WARM_UP_LIMIT);
  await pool.query('update webhook_endpoints set "window" = $2 where id = $1', [endpointId, MOST_WINDOW]);
  receiver.hang();
  await insertChanges(pool, { customerServerId, endpointIds: [endpointId], count: backlog });
  return bad;
}

async function addReceiver(stage: HostileStage, options: { hangs: boolean }): Promise<RawReceiver> {
  const receiver = await createRawReceiver(options);
  stage.closeLater(receiver);
  return receiver;
}
