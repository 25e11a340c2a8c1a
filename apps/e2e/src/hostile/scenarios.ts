import { LARGEST_WINDOW } from '@vendor-server/domain/endpoints/decide-window.ts';
import type pg from 'pg';
import { expect, vi } from 'vitest';
import { createRawReceiver, type RawReceiver } from '../receiver/create-raw-receiver.ts';
import { addCustomerServers, type CustomerServer, changeEndpoint } from '../system/add-customer-server.ts';
import { insertChanges } from '../system/insert-changes.ts';
import type { HostileStage } from './create-hostile-stage.ts';

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
/** Enough successes for a window to grow to its largest: 16, then 32, then 64, with a margin. */
const WARM_UP_CHANGES = 600;
const WARM_UP_LIMIT = { timeout: 30_000, interval: 50 };

/** What the healthy are to be spared from, mildest first. */
export const SCENARIOS: readonly Scenario[] = [
  { title: 'one hangs', prepare: (stage, backlog) => addHanging(stage, { backlog, count: 1 }) },
  { title: 'ten hang', prepare: (stage, backlog) => addHanging(stage, { backlog, count: 10 }) },
  { title: 'a warm one starts to hang', prepare: addWarmThenHanging },
  { title: 'ten of one account hang', prepare: addHangingAccount },
  {
    title: 'ten without a name server',
    prepare: (stage, backlog) => addWithoutNameServer(stage, backlog, 10),
  },
];

export interface HangingOptions {
  /** Of each. */
  readonly backlog: number;
  readonly count: number;
  /** How long an attempt waits; default the setting's. */
  readonly timeoutMs?: number;
}

/** Customers whose server takes requests and never answers. */
export async function addHanging(
  stage: HostileStage,
  { backlog, count, timeoutMs }: HangingOptions,
): Promise<BadCustomers & { readonly receiver: RawReceiver }> {
  const receiver = await addReceiver(stage, { hangs: true });
  const urlOf = (n: number) => `http://hanging${n}.up.test:${receiver.port}/`;
  const customerServers = await addCustomerServers(stage.system, count, urlOf);
  if (timeoutMs !== undefined) {
    for (const each of customerServers) await changeEndpoint(stage.system, each, { timeoutMs });
  }
  return { ...(await addBacklogs(stage, backlog, customerServers)), receiver };
}

/** Customers whose name server never answers. */
export async function addWithoutNameServer(
  stage: HostileStage,
  backlog: number,
  count: number,
): Promise<BadCustomers> {
  const customerServers = await addCustomerServers(stage.system, count, (n) => `http://hook${n}.down.test/`);
  return addBacklogs(stage, backlog, customerServers);
}

async function addBacklogs(
  stage: HostileStage,
  backlog: number,
  customerServers: readonly CustomerServer[],
): Promise<BadCustomers> {
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
  const urlOf = () => `http://warm.up.test:${receiver.port}/`;
  const bad = await addBacklogs(stage, WARM_UP_CHANGES, await addCustomerServers(stage.system, 1, urlOf));
  const { customerServerId, endpointId } = bad.customerServers[0]!;
  await vi.waitFor(() => expect(receiver.receipts).toHaveLength(WARM_UP_CHANGES), WARM_UP_LIMIT);
  await vi.waitFor(
    async () => expect(await readWindow(pool, endpointId)).toBe(LARGEST_WINDOW),
    WARM_UP_LIMIT,
  );
  receiver.hang();
  await insertChanges(pool, { customerServerId, endpointIds: [endpointId], count: backlog });
  return bad;
}

async function addReceiver(stage: HostileStage, options: { hangs: boolean }): Promise<RawReceiver> {
  const receiver = await createRawReceiver(options);
  stage.closeLater(receiver);
  return receiver;
}

export async function readWindow(pool: pg.Pool, endpointId: string): Promise<number | undefined> {
  const { rows } = await pool.query<{ window: number }>(
    'select "window" from webhook_endpoints where id = $1',
    [endpointId],
  );
  return rows[0]?.window;
}
