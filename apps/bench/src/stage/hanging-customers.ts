import { setTimeout as sleep } from 'node:timers/promises';
import { addCustomerServers, type CustomerServer } from '@vendor-server/e2e/system/add-customer-server.ts';
import type pg from 'pg';
import type { ReceiverCalls } from '../peers/receiver-calls.ts';
import { type Endpoint, setEndpointState } from './backlog.ts';
import { RECEIVER, type Stage } from './create-stage.ts';

/** Customers whose server takes requests and never answers. */
export interface HangingCustomers {
  readonly customerServers: readonly CustomerServer[];
  /** They are sent what waits, as if nobody had paused them. */
  readonly resume: () => Promise<void>;
  /** Nothing more is sent to them; resolves when what was on its way has timed out and is recorded. */
  readonly pause: () => Promise<void>;
  /** The same for good: what hangs ends at once. */
  readonly leave: () => Promise<void>;
}

const LOOK_EVERY_MS = 20;
/** The longest time-out there is by default, and a while for the records. */
const END_LIMIT_MS = 20_000;

export async function addHanging(stage: Stage, count: number): Promise<HangingCustomers> {
  const receiver = await stage.startPeer<ReceiverCalls>('hanging receiver', RECEIVER);
  const port = await receiver.call('listen', { hangs: true });
  const customerServers = await addCustomerServers(
    stage,
    count,
    (n) => `http://127.0.0.1:${port}/hangs-${n}`,
  );
  const { pool } = stage.database;
  return {
    customerServers,
    resume: () => setEndpointState(pool, customerServers, 'active'),
    async pause() {
      await setEndpointState(pool, customerServers, 'paused');
      await waitUntilNothingIsSent(pool, customerServers);
    },
    async leave() {
      await setEndpointState(pool, customerServers, 'paused');
      await receiver.stop();
      await waitUntilNothingIsSent(pool, customerServers);
    },
  };
}

/** What is measured next is not to share the machine with records of what hung. */
async function waitUntilNothingIsSent(pool: pg.Pool, endpoints: readonly Endpoint[]): Promise<void> {
  const giveUpAt = performance.now() + END_LIMIT_MS;
  for (;;) {
    const { rows } = await pool.query<{ count: number }>(
      'select count(*) from deliveries where endpoint_id = any ($1) and claim_token is not null',
      [endpoints.map(({ endpointId }) => endpointId)],
    );
    const count = rows[0]?.count ?? 0;
    if (count === 0) return;
    if (performance.now() > giveUpAt) {
      throw new Error(
        `${count} deliveries to servers that hang were not over after ${END_LIMIT_MS / 1_000} s`,
      );
    }
    await sleep(LOOK_EVERY_MS);
  }
}
