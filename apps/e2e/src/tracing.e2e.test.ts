/** One trace from a caller's request through the change to each attempt, as a collector is told it. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createReceiver, type Receiver } from './receiver/create-receiver.ts';
import { respond } from './receiver/steps.ts';
import { addCustomerServer, changeEndpoint } from './system/add-customer-server.ts';
import { type Collector, createCollector } from './system/create-collector.ts';
import { openInbox, waitUntilEnded } from './system/create-inbox.ts';
import { createSystem, type System } from './system/create-system.ts';
import { cancelOrder, createOrder, SERVICE_ORDER } from './system/walk-order.ts';

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CALLER = `00-${TRACE_ID}-b7ad6b7169203331-01`;

async function createTracedOrder(system: System, url: string, headers: Record<string, string>) {
  const customerServer = await addCustomerServer(system, url);
  await changeEndpoint(system, customerServer, { retryDelaysMs: [100, 100] });
  const answer = await customerServer.call<{ orderId: string }>('POST', '/api/external/orders', {
    body: SERVICE_ORDER,
    headers,
  });
  return { customerServer, orderId: answer.body.data.orderId };
}

const until = <Result>(check: () => Result | Promise<Result>) =>
  vi.waitFor(check, { timeout: 15_000, interval: 50 });

describe('with a collector', () => {
  let receiver: Receiver;
  let collector: Collector;
  let system: System;

  beforeAll(async () => {
    [receiver, collector] = await Promise.all([createReceiver(), createCollector()]);
    system = await createSystem({
      redisUrl: null,
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/` },
    });
    await Promise.all([system.startApi(), system.startWorker()]);
  });
  afterAll(async () => {
    await system.stop();
    await collector.close();
    await receiver.close();
  });

  test('a request, its change and every attempt are one trace, which the receiver can go on with', async () => {
    receiver.answer((request) => request.path.startsWith('/traced'), respond(503), respond(200));
    const { orderId } = await createTracedOrder(system, receiver.url('/traced?token=query-secret'), {
      traceparent: CALLER,
      tracestate: 'vendor=1',
      baggage: 'user=jane',
    });
    await waitUntilEnded(system.database, orderId, 1);
    const spans = await until(() => {
      const found = collector.spans.filter(({ traceId }) => traceId === TRACE_ID);
      expect(found).toHaveLength(4);
      return found;
    });
    const [server, change] = ['POST /api/external/orders', 'order creation'].map((name) =>
      spans.find((span) => span.name === name),
    );
    expect(server).toMatchObject({
      service: 'vendor-server-api',
      kind: 2,
      parentSpanId: 'b7ad6b7169203331',
      attributes: {
        'http.request.method': 'POST',
        'http.route': '/api/external/orders',
        'http.response.status_code': 201,
      },
    });
    expect(change).toMatchObject({
      service: 'vendor-server-api',
      parentSpanId: server!.spanId,
      attributes: { 'vendor_server.order.id': orderId, 'vendor_server.order.status': 'pending' },
    });
    const attempts = spans.filter(({ name }) => name === 'POST webhook');
    const requests = openInbox(receiver, orderId).requests();
    for (const [index, status] of [503, 200].entries()) {
      const attempt = attempts.find(
        ({ attributes }) => attributes['vendor_server.delivery.attempt'] === index + 1,
      );
      expect(attempt).toMatchObject({
        service: 'vendor-server-worker',
        kind: 3,
        parentSpanId: change!.spanId,
        attributes: {
          'http.response.status_code': status,
          'server.address': '127.0.0.1',
          'server.port': Number(new URL(receiver.url('/')).port),
          'vendor_server.order.id': orderId,
        },
      });
      expect(requests[index]!.header('traceparent')).toBe(`00-${TRACE_ID}-${attempt!.spanId}-01`);
      for (const name of ['tracestate', 'baggage']) expect(requests[index]!.header(name)).toBeUndefined();
    }
    expect(attempts.find(({ status }) => status === 2)?.attributes['error.type']).toBe('503');
    for (const { log } of system.processes) {
      const lines = log.lines.filter(({ traceId }) => traceId === TRACE_ID).map(({ msg }) => msg);
      expect(lines).toContain(
        log.text.includes('"name":"api"') ? 'Request handled' : 'Customer webhook failed, retrying',
      );
    }
  });

  test('without a caller that traces, each request begins a trace', async () => {
    const { customerServer, orderId } = await createTracedOrder(system, receiver.url('/untraced'), {});
    await cancelOrder(customerServer, orderId);
    await waitUntilEnded(system.database, orderId, 2);
    const names = ['order change', 'order creation'];
    const traces = await until(() => {
      const ofOrder = collector.spans.filter(
        ({ attributes }) => attributes['vendor_server.order.id'] === orderId,
      );
      expect(ofOrder).toHaveLength(4);
      return Object.groupBy(ofOrder, ({ traceId }) => traceId);
    });
    const found = Object.values(traces).map((spans) => spans!.map(({ name }) => name).sort());
    expect(found).toHaveLength(names.length);
    for (const name of names) expect(found).toContainEqual(['POST webhook', name]);
  });

  test('a refused request is in it, and nothing of a person or secret is', async () => {
    const { customerServer, orderId } = await createTracedOrder(
      system,
      receiver.url('/private?token=query-secret'),
      {},
    );
    const refused = '/api/external/orders/0123456789abcdef01234567/cancel';
    expect((await customerServer.call('POST', refused)).status).toBe(404);
    await waitUntilEnded(system.database, orderId, 1);
    await until(() => {
      const span = collector.spans.find(({ attributes }) => attributes['http.response.status_code'] === 404);
      expect(span).toMatchObject({ name: 'POST /api/external/orders/:orderId/cancel' });
      expect(collector.text).toContain(orderId);
    });
    const secrets = [...system.secrets, customerServer.secret, customerServer.signingSecret, 'query-secret'];
    const personal = [SERVICE_ORDER.customerName, SERVICE_ORDER.customerPhone, SERVICE_ORDER.customerAddress];
    for (const text of [...secrets, ...personal]) expect(collector.text).not.toContain(text);
  });
});

describe.concurrent.each(['that is away', 'that hangs'])('with a collector %s', (how) => {
  test('everything goes on, nothing waits, and a stop is in time', async () => {
    const [receiver, collector] = await Promise.all([createReceiver(), createCollector({ hangs: true })]);
    if (how === 'that is away') await collector.close();
    const system = await createSystem({
      redisUrl: null,
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
    });
    const [api] = await Promise.all([system.startApi(), system.startWorker()]);
    const customerServer = await addCustomerServer(system, receiver.url('/taken'));
    for (let n = 0; n < 5; n += 1)
      await waitUntilEnded(system.database, await createOrder(customerServer), 1);
    if (how === 'that is away') {
      await api.log.waitFor('Traces are lost: the collector does not take them');
    } else {
      await until(() => expect(collector.calls).toBeGreaterThan(0));
    }
    // Throws when a process has to be killed.
    const startedAt = performance.now();
    await system.stop();
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    if (how === 'that hangs') await collector.close();
    await receiver.close();
  });
});

test('without a collector a caller’s trace passes through as it came', async () => {
  const receiver = await createReceiver();
  const system = await createSystem({ redisUrl: null });
  await Promise.all([system.startApi(), system.startWorker()]);
  const { orderId } = await createTracedOrder(system, receiver.url('/passed-on'), {
    traceparent: CALLER,
    tracestate: 'vendor=1',
  });
  const other = await createTracedOrder(system, receiver.url('/none'), { traceparent: '00-rubbish-01' });
  await waitUntilEnded(system.database, orderId, 1);
  await waitUntilEnded(system.database, other.orderId, 1);
  const [request] = openInbox(receiver, orderId).requests();
  expect(request!.header('traceparent')).toBe(CALLER);
  expect(request!.header('tracestate')).toBeUndefined();
  expect(openInbox(receiver, other.orderId).requests()[0]!.header('traceparent')).toBeUndefined();
  await system.stop();
  await receiver.close();
});
