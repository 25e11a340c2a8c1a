import { createCollector } from '@vendor-server/e2e/system/create-collector.ts';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { createTracer } from './create-tracer.ts';
import { inSpan, NO_TRACER } from './tracer.ts';

const logger = pino({ level: 'silent' });
const PARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('without a collector a parent passes through', async () => {
  const tracer = await createTracer({ endpoint: null, serviceName: 'test', logger });
  expect(tracer).toBe(NO_TRACER);
  expect(tracer.start({ name: 'work', kind: 'internal', parent: PARENT }).traceparent).toBe(PARENT);
});

test('a stop hands over everything that has ended, in several batches', async () => {
  const collector = await createCollector();
  const tracer = await createTracer({ endpoint: collector.url, serviceName: 'test', logger });
  for (let n = 0; n < 2_000; n += 1) tracer.start({ name: 'work', kind: 'internal', parent: PARENT }).end();
  await tracer.stop();
  expect(collector.spans).toHaveLength(2_000);
  await collector.close();
});

test('every batch carries the headers that the collector wants', async () => {
  const collector = await createCollector();
  const headers = { authorization: 'Bearer test-collector-token' };
  const tracer = await createTracer({ endpoint: collector.url, headers, serviceName: 'test', logger });
  tracer.start({ name: 'work', kind: 'internal', parent: PARENT }).end();
  await tracer.stop();
  expect(collector.headers).toMatchObject(headers);
  await collector.close();
});

test('a stop waits two seconds for a collector that hangs', async () => {
  const collector = await createCollector({ hangs: true });
  const tracer = await createTracer({ endpoint: collector.url, serviceName: 'test', logger });
  for (let n = 0; n < 20_000; n += 1) tracer.start({ name: 'work', kind: 'internal', parent: PARENT }).end();
  const startedAt = performance.now();
  await tracer.stop();
  expect(performance.now() - startedAt).toBeLessThan(4_000);
  await collector.close();
});

test('work that fails says in its span with which code, and fails as it did', async () => {
  const collector = await createCollector();
  const tracer = await createTracer({ endpoint: collector.url, serviceName: 'test', logger });
  const fault = Object.assign(new Error('text of a caller'), { code: 'not_found' });
  const work = inSpan(tracer, { name: 'work', kind: 'internal', parent: null }, () => Promise.reject(fault));
  await expect(work).rejects.toBe(fault);
  await tracer.stop();
  expect(collector.spans).toMatchObject([
    { name: 'work', status: 2, attributes: { 'error.type': 'not_found' } },
  ]);
  expect(collector.text).not.toContain('text of a caller');
  await collector.close();
});

test('a trace that its caller does not record is not sent, and goes on', async () => {
  const collector = await createCollector();
  const tracer = await createTracer({ endpoint: collector.url, serviceName: 'test', logger });
  const span = tracer.start({ name: 'work', kind: 'server', parent: PARENT.replace(/01$/, '00') });
  expect(span.traceparent).toMatch(/^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/);
  span.end();
  await tracer.stop();
  expect(collector.spans).toEqual([]);
  await collector.close();
});
