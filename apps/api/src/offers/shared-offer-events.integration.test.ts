/** Offer streams at one API process, and what happens at others. */
import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { buildApp } from '../app.ts';
import { createTestApi, type TestApi } from '../testing/create-test-api.ts';
import { type OpenEventStream, openEventStream } from '../testing/open-event-stream.ts';
import { buildServiceOrder } from '../testing/sample-bodies.ts';
import { createSharedOfferEvents, type SharedOfferEvents } from './create-shared-offer-events.ts';
import { createOfferEvents, type OfferChange } from './offer-events.ts';

type Vendor = Awaited<ReturnType<TestApi['addVendor']>>;
type App = TestApi['app'];

let here: TestApi;
let there: TestApi;
let address: string;
let customer: Awaited<ReturnType<TestApi['addCustomerServer']>>;

beforeAll(async () => {
  here = await createTestApi();
  there = await createTestApi({}, here);
  customer = await here.addCustomerServer();
  address = await here.app.listen({ host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await there.close();
  await here.close();
});

async function openHere(vendor: Vendor, base = address): Promise<OpenEventStream> {
  const stream = await openEventStream(`${base}/api/vendor/offers/stream`, vendor.headers);
  onTestFinished(() => stream.close());
  await stream.waitForEvents(1);
  return stream;
}

async function createOrder(app: App, workType: string): Promise<string> {
  const response = await app.inject({
    method: 'POST',
    url: '/api/external/orders',
    headers: customer.headers,
    payload: buildServiceOrder({ workType }),
  });
  return response.json().data.orderId;
}

function thereCall(
  method: 'POST' | 'PUT' | 'PATCH',
  url: string,
  headers: Record<string, string>,
  payload = {},
) {
  return there.app.inject({ method, url, headers, payload });
}

function newWorkType(): string {
  return `work_${createId()}`;
}

function offerOf(orderId: string) {
  return { event: 'offer', data: expect.objectContaining({ orderId }) };
}

function withdrawalOf(orderId: string) {
  return { event: 'offer_withdrawn', data: { orderId } };
}

async function killListeners(): Promise<void> {
  await here.database.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'vendor-server-offers' and datname = current_database()`,
  );
}

describe('what happens at another process', () => {
  test('is offered and withdrawn here', async () => {
    const workType = newWorkType();
    const vendor = await here.addVendor({ services: [workType] });
    const taker = await here.addVendor({ services: [workType] });
    const stream = await openHere(vendor);
    const taken = await createOrder(there.app, workType);
    await stream.waitForEvents(2);
    await thereCall('POST', `/api/vendor/orders/${taken}/accept`, taker.headers);
    await stream.waitForEvents(3);
    const declined = await createOrder(there.app, workType);
    await stream.waitForEvents(4);
    await thereCall('POST', `/api/vendor/orders/${declined}/reject`, vendor.headers);
    expect((await stream.waitForEvents(5)).slice(1)).toEqual([
      offerOf(taken),
      withdrawalOf(taken),
      offerOf(declined),
      withdrawalOf(declined),
    ]);
  });

  test('a vendor that changes or goes offline there gets another snapshot here', async () => {
    const [before, after] = [newWorkType(), newWorkType()];
    const vendor = await here.addVendor({ services: [before] });
    const wanted = await createOrder(here.app, after);
    const stream = await openHere(vendor);
    await thereCall('PATCH', '/api/vendor/me', vendor.headers, { selectedServices: [after] });
    const [, changed] = await stream.waitForEvents(2);
    expect(changed).toMatchObject({ event: 'snapshot', data: { offers: [{ orderId: wanted }] } });
    await thereCall('PUT', '/api/vendor/presence', vendor.headers, { online: false });
    const [, , offline] = await stream.waitForEvents(3);
    expect(offline).toMatchObject({ event: 'snapshot', data: { offers: [] } });
  });

  test('a key rotated there ends the streams of the old one here', async () => {
    const vendor = await here.addVendor();
    const stream = await openHere(vendor);
    await thereCall('POST', `/api/admin/vendors/${vendor.id}/rotate-key`, there.operator);
    await vi.waitFor(() => expect(stream.end).toBe('ended'), { timeout: 5_000 });
  });
});

describe('lost notifications', () => {
  /** Events as a process has them, which look for what they missed as often as asked. */
  function createEvents(pollMs: number): { events: SharedOfferEvents; heard: OfferChange[] } {
    const { logger, database } = here.deps;
    const events = createSharedOfferEvents({
      pool: database.pool,
      databaseUrl: here.databaseUrl,
      logger,
      pollMs,
    });
    onTestFinished(() => events.close());
    const heard: OfferChange[] = [];
    events.subscribe((change) => void heard.push(change));
    return { events, heard };
  }

  /** A process that tells nobody what it does. */
  function createMuteApp(): App {
    const app = buildApp({ ...there.deps, offerEvents: createOfferEvents() });
    onTestFinished(() => app.close());
    return app;
  }

  test('are made up for by the poll', async () => {
    const workType = newWorkType();
    const app = buildApp({ ...here.deps, offerEvents: createEvents(200).events });
    onTestFinished(() => app.close());
    const base = await app.listen({ host: '127.0.0.1', port: 0 });
    const stream = await openHere(await here.addVendor({ services: [workType] }), base);
    const missed = await createOrder(createMuteApp(), workType);
    const next = await createOrder(there.app, workType);
    const events = await stream.waitForEvents(3);
    expect(events.slice(1)).toEqual(expect.arrayContaining([offerOf(missed), offerOf(next)]));
    // Nothing is told twice for having been found by the poll, too.
    const last = await createOrder(createMuteApp(), workType);
    expect((await stream.waitForEvents(4))[3]).toEqual(offerOf(last));
  });

  test('of a time without a connection are made up for when there is one, which hears again', async () => {
    // So seldom that the poll finds nothing by itself.
    const { events, heard } = createEvents(3_600_000);
    const other = createEvents(3_600_000);
    const vendorId = createId();
    await vi.waitFor(
      () => {
        other.events.publish({ kind: 'vendor', vendorId });
        expect(heard).toContainEqual({ kind: 'vendor', vendorId });
      },
      { timeout: 10_000 },
    );
    await createOrder(createMuteApp(), newWorkType());
    const orderId = await createOrder(createMuteApp(), newWorkType());
    await killListeners();
    const found = { kind: 'order', orderId, version: 1 };
    await vi.waitFor(() => expect(heard).toContainEqual(found), { timeout: 10_000 });
    const again = createId();
    await vi.waitFor(
      () => {
        other.events.publish({ kind: 'vendor', vendorId: again });
        expect(heard).toContainEqual({ kind: 'vendor', vendorId: again });
      },
      { timeout: 10_000 },
    );
    expect(events).toBeDefined();
  });

  test('what is no notification of ours is let be', async () => {
    const { heard } = createEvents(3_600_000);
    const other = createEvents(3_600_000);
    for (const payload of ['', 'no json', '[]', '{"processId":"x","changes":[{"kind":"new"},null]}']) {
      await here.database.pool.query(`select pg_notify('vendor_server_offers', $1)`, [payload]);
    }
    const vendorId = createId();
    await vi.waitFor(
      () => {
        other.events.publish({ kind: 'vendor', vendorId });
        expect(heard).toContainEqual({ kind: 'vendor', vendorId });
      },
      { timeout: 10_000 },
    );
    expect(heard.every(({ kind }) => ['order', 'decline', 'vendor'].includes(kind))).toBe(true);
  });
});
