/** What streams say when things happen at the same time, with statements held back one by one. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { PassThrough } from 'node:stream';
import { setImmediate as nextTurn, setTimeout } from 'node:timers/promises';
import type { SqlExecutor } from '@vendor-server/platform/database/sql-executor.ts';
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { buildServiceOrder } from '../testing/sample-bodies.ts';
import type { EventStream } from './event-stream.ts';
import { createOfferEvents } from './offer-events.ts';
import { createOfferStreams, type OfferStreamsOptions } from './offer-streams.ts';

let api: TestApi;
let customer: Awaited<ReturnType<TestApi['addCustomerServer']>>;

beforeAll(async () => {
  api = await createTestApi();
  customer = await api.addCustomerServer();
});
afterAll(() => api.close());

/** Streams of their own over the same database, whose statements a test may hold back by name. */
function createStreams(options: Partial<OfferStreamsOptions> = {}) {
  const held = new Map<string, Promise<void>>();
  /** Statements that the database answered, and those whose answers arrived. */
  const read: string[] = [];
  const arrived: string[] = [];
  const failing = new Set<string>();
  const query = async (config: { name: string; text: string; values?: unknown[] }) => {
    if (failing.has(config.name)) throw new Error('refused by the test');
    const result = await api.database.pool.query(config);
    read.push(config.name);
    // The answer is what the database said then, and arrives late.
    await held.get(config.name);
    arrived.push(config.name);
    return result;
  };
  const executor = { query } as unknown as SqlExecutor;
  const offerEvents = createOfferEvents();
  const warn = vi.fn<() => void>();
  const streams = createOfferStreams({ executor, offerEvents, logger: { warn }, ...options });
  onTestFinished(() => streams.close());

  /** Answers of this statement wait until the returned function is called. */
  function hold(name: string): () => void {
    const { promise, resolve } = Promise.withResolvers<void>();
    held.set(name, promise);
    return () => {
      held.delete(name);
      resolve();
    };
  }

  /** Waits for the nth answer of this statement, and until what it caused at once is done. */
  async function waitFor(answers: 'read' | 'arrived', name: string, count: number): Promise<void> {
    const list = answers === 'read' ? read : arrived;
    await vi.waitFor(
      () => expect(list.filter((each) => each === name).length).toBeGreaterThanOrEqual(count),
      {
        interval: 2,
      },
    );
    await nextTurn();
  }
  const countArrived = (name: string) => arrived.filter((each) => each === name).length;
  return { streams, offerEvents, hold, waitFor, countArrived, failing, warn };
}

/** Stands in for a response that is open; the stream is read directly. */
function openResponse(): ServerResponse {
  return new PassThrough() as unknown as ServerResponse;
}

function readEvents(stream: EventStream): () => string[] {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return () =>
    [...text.matchAll(/^event: (.*)\ndata: (.*)$/gm)].map(([, event, data]) => `${event} ${toIds(data)}`);
}

function toIds(data: string | undefined): string {
  return [...(data ?? '').matchAll(/"orderId":"(\w+)"/g)].map(([, orderId]) => orderId).join(' ');
}

async function createOrder(workType: string): Promise<string> {
  const response = await api.app.inject({
    method: 'POST',
    url: '/api/external/orders',
    headers: customer.headers,
    payload: buildServiceOrder({ workType }),
  });
  return response.json().data.orderId;
}

async function setStatus(orderId: string, status: 'pending' | 'assigned', vendorId: string | null) {
  await api.database.pool.query('update orders set status = $2, vendor_id = $3 where id = $1', [
    orderId,
    status,
    vendorId,
  ]);
}

test('what happens while the snapshot is read is told after it', async () => {
  const workType = `work_${createId()}`;
  const vendor = await api.addVendor({ services: [workType] });
  const gone = await createOrder(workType);
  const { streams, offerEvents, hold, waitFor } = createStreams();
  const release = hold('list-offers-for-vendor');
  const opening = streams.open(vendor, openResponse());
  await waitFor('read', 'list-offers-for-vendor', 1);
  // Both changes commit after the snapshot was read, and both looks end before it is sent.
  await setStatus(gone, 'assigned', vendor.id);
  offerEvents.publish({ kind: 'order', orderId: gone, version: 1 });
  const added = await createOrder(workType);
  offerEvents.publish({ kind: 'order', orderId: added, version: 1 });
  await waitFor('arrived', 'find-offer-state', 2);
  release();
  const events = readEvents(await opening);
  await vi.waitFor(() => expect(events()).toHaveLength(3));
  expect(events()[0]).toBe(`snapshot ${gone}`);
  expect(events().slice(1).toSorted()).toEqual([`offer ${added}`, `offer_withdrawn ${gone}`]);
});

test('a look that began before a change does not have the last word', async () => {
  const workType = `work_${createId()}`;
  const vendor = await api.addVendor({ services: [workType] });
  const { streams, offerEvents, hold, waitFor } = createStreams();
  const events = readEvents(await streams.open(vendor, openResponse()));
  const orderId = await createOrder(workType);
  const release = hold('find-offer-state');
  offerEvents.publish({ kind: 'order', orderId, version: 1 });
  await waitFor('read', 'find-offer-state', 1);
  await setStatus(orderId, 'assigned', vendor.id);
  offerEvents.publish({ kind: 'order', orderId, version: 1 });
  release();
  await vi.waitFor(() => expect(events()).toHaveLength(3));
  expect(events()).toEqual(['snapshot ', `offer ${orderId}`, `offer_withdrawn ${orderId}`]);
});

test('a vendor that changes while its snapshot is read gets the later one', async () => {
  const [before, after] = [`work_${createId()}`, `work_${createId()}`];
  const vendor = await api.addVendor({ services: [before] });
  await createOrder(before);
  const wanted = await createOrder(after);
  const { streams, offerEvents, hold, waitFor } = createStreams();
  const release = hold('list-offers-for-vendor');
  const opening = streams.open(vendor, openResponse());
  await waitFor('read', 'list-offers-for-vendor', 1);
  await api.database.pool.query('update vendors set selected_services = $2 where id = $1', [
    vendor.id,
    [after],
  ]);
  offerEvents.publish({ kind: 'vendor', vendorId: vendor.id });
  await waitFor('arrived', 'renew-presence', 1);
  release();
  const events = readEvents(await opening);
  await vi.waitFor(() => expect(events()).toEqual([`snapshot ${wanted}`]));
});

test('an open stream keeps its vendor online; one that went offline stays so', async () => {
  const vendor = await api.addVendor();
  const { streams, waitFor, countArrived } = createStreams({ renewalMs: 10 });
  await streams.open(vendor, openResponse());
  const { pool } = api.database;
  const readSeconds = async (): Promise<number | null> => {
    const { rows } = await pool.query(
      'select extract(epoch from online_until - now())::float8 as seconds from vendors where id = $1',
      [vendor.id],
    );
    return rows[0].seconds;
  };
  await pool.query(`update vendors set online_until = now() + interval '1 second' where id = $1`, [
    vendor.id,
  ]);
  await vi.waitFor(async () => expect(await readSeconds()).toBeGreaterThan(80));
  await pool.query('update vendors set online_until = null where id = $1', [vendor.id]);
  await waitFor('arrived', 'renew-presence', countArrived('renew-presence') + 3);
  expect(await readSeconds()).toBeNull();
});

test('a stream that may have missed something is ended, with a warning', async () => {
  const vendor = await api.addVendor();
  const { streams, offerEvents, failing, warn } = createStreams();
  const stream = await streams.open(vendor, openResponse());
  const events = readEvents(stream);
  const ended = once(stream, 'end');
  failing.add('find-offer-state');
  offerEvents.publish({ kind: 'order', orderId: createId(), version: 1 });
  await ended;
  expect(events()).toHaveLength(1);
  expect(warn).toHaveBeenCalledOnce();
});

test('a quiet stream gets heartbeats', async () => {
  const vendor = await api.addVendor();
  const { streams } = createStreams({ heartbeatMs: 5 });
  const stream = await streams.open(vendor, openResponse());
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await vi.waitFor(() => expect(text.split(': heartbeat\n\n').length).toBeGreaterThan(3));
});

test('a reader that may have vanished keeps its vendor online and its place only for so long', async () => {
  const vendor = await api.addVendor();
  const { streams, countArrived } = createStreams({ maxAgeMs: 2_000, renewalMs: 5 });
  // Nobody reads these, and nobody closes them.
  for (let opened = 0; opened < 5; opened += 1) await streams.open(vendor, openResponse());
  await expect(streams.open(vendor, openResponse())).rejects.toMatchObject({ code: 'rate_limited' });
  const again = await vi.waitFor(() => streams.open(vendor, openResponse()), { timeout: 10_000 });
  again.destroy();
  await vi.waitFor(async () => {
    const renewals = countArrived('renew-presence');
    await setTimeout(50);
    expect(countArrived('renew-presence')).toBe(renewals);
  }, 10_000);
});

test('a reader that takes nothing is let go', async () => {
  const vendor = await api.addVendor();
  const orderId = await createOrder('electronics_repair');
  const { streams, offerEvents } = createStreams({ maxBufferedBytes: 4_096 });
  const stream = await streams.open(vendor, openResponse());
  await vi.waitFor(() => {
    offerEvents.publish({ kind: 'order', orderId, version: 1 });
    expect(stream.destroyed).toBe(true);
  });
  expect(stream.readableLength).toBeLessThan(8_192);
});

test('a snapshot that cannot be read is an error, and leaves no stream behind', async () => {
  const vendor = await api.addVendor();
  const { streams, failing } = createStreams();
  failing.add('list-offers-for-vendor');
  for (let tries = 0; tries < 6; tries += 1) {
    await expect(streams.open(vendor, openResponse())).rejects.toThrow('refused by the test');
  }
  failing.clear();
  await streams.open(vendor, openResponse());
});

test('a key that was replaced after its check opens no stream', async () => {
  const vendor = await api.addVendor();
  const { streams } = createStreams();
  await api.app.inject({
    method: 'POST',
    url: `/api/admin/vendors/${vendor.id}/rotate-key`,
    headers: api.operator,
  });
  await expect(streams.open(vendor, openResponse())).rejects.toMatchObject({ code: 'unauthorized' });
});
