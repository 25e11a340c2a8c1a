/**
 * No secret is anywhere but where it belongs. Real processes do everything that is done with secrets, right and wrong,
 * with all logging on; then everything that is kept or shown is searched for every secret and for parts of each.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { callEveryGet } from './leaks/call-every-get.ts';
import { findLeaks } from './leaks/find-leaks.ts';
import { readRedis, readTables } from './leaks/read-places.ts';
import { type AnswerRecorder, recordAnswers } from './leaks/record-answers.ts';
import { type UsedSecrets, useEverySecret } from './leaks/use-every-secret.ts';
import { createReceiver, type Receiver } from './receiver/create-receiver.ts';
import { createCaller } from './system/create-caller.ts';
import { type Collector, createCollector } from './system/create-collector.ts';
import { waitUntilEnded } from './system/create-inbox.ts';
import { createSystem, type ListeningProcess, type System } from './system/create-system.ts';
import { startProcess } from './system/start-process.ts';
import { createOrder, SERVICE_ORDER } from './system/walk-order.ts';

const API = fileURLToPath(import.meta.resolve('@vendor-server/api/main.ts'));
const random = () => randomBytes(24).toString('base64url');
const until = (check: () => unknown) => vi.waitFor(check, { timeout: 15_000, interval: 50 });

describe.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  describe.skipIf(skipReason !== null)('secrets', () => {
    const configured = {
      'default customer server secret': random(),
      'partner secret': random(),
      'operator key': random(),
      'other operator key': random(),
      'encryption key': randomBytes(32).toString('base64'),
      'previous encryption key': randomBytes(32).toString('base64'),
      'collector token': random(),
      'database password': random(),
    };
    const inSettingsUrls = { 'path of the default URL': random(), 'query of the default URL': random() };

    let directory: string;
    let receiver: Receiver;
    let collector: Collector;
    let system: System;
    let processes: ListeningProcess[];
    let recorder: AnswerRecorder;
    let used: UsedSecrets;
    let crashLog: string;

    beforeAll(async () => {
      directory = mkdtempSync(path.join(tmpdir(), 'vendor-server-e2e-leaks-'));
      [receiver, collector] = await Promise.all([createReceiver(), createCollector()]);
      system = await createSystem({
        redisUrl,
        env: {
          DEBUG_WEBHOOKS: '1',
          LOG_LEVEL: 'trace',
          CUSTOMER_SERVER_SECRET: configured['default customer server secret'],
          CUSTOMER_WEBHOOK_URL: receiver.url(
            `/echo/${inSettingsUrls['path of the default URL']}?token=${inSettingsUrls['query of the default URL']}`,
          ),
          SECRETS_ENCRYPTION_KEY: configured['encryption key'],
          SECRETS_ENCRYPTION_KEY_PREVIOUS: configured['previous encryption key'],
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
          OTEL_EXPORTER_OTLP_HEADERS: `authorization=Bearer%20${configured['collector token']}`,
          RATE_LIMIT_WRONG_CREDENTIALS_PER_MINUTE: '0',
        },
      });
      configured['operator key'] = system.adminKey;
      configured['partner secret'] = system.secrets[1] ?? '';
      const operatorKeys = { ADMIN_API_KEY: `${system.adminKey},${configured['other operator key']}` };
      processes = await Promise.all([
        system.startApi({ ...operatorKeys, LOG_FILE: path.join(directory, 'api.log') }),
        system.startWorker({ ...operatorKeys, LOG_FILE: path.join(directory, 'worker.log') }),
      ]);
      recorder = recordAnswers();
      used = await useEverySecret(system, receiver, processes);
      await meetFaultsOfOurs();
      await look();
    }, 90_000);
    afterAll(async () => {
      recorder.stop();
      await system.stop();
      await Promise.all([receiver.close(), collector.close()]);
      rmSync(directory, { recursive: true });
    });

    /** A secret that cannot be opened, and a start that fails over another one. */
    async function meetFaultsOfOurs(): Promise<void> {
      const byDefault = createCaller(system.apiUrl, {
        'x-customer-secret': configured['default customer server secret'],
      });
      await system.database.pool.query(
        `update webhook_endpoints e set signing_secret_ciphertext = 'v1.00000000.' || signing_secret_ciphertext
           from customer_servers s where s.id = e.customer_server_id and s.is_default`,
      );
      const orderId = await createOrder(byDefault);
      await processes[1]?.log.waitFor('Webhook could not be sent by a fault of ours', { orderId });
      const databaseUrl = new URL(system.databaseUrl);
      databaseUrl.searchParams.set('password', configured['database password']);
      const crashed = startProcess({
        name: 'an API with the secret of another customer server',
        command: process.execPath,
        args: [API],
        env: {
          DATABASE_URL: databaseUrl.href,
          ...(redisUrl !== null && { REDIS_URL: redisUrl }),
          PORT: '0',
          LOG_LEVEL: 'trace',
          CUSTOMER_SERVER_SECRET: used.made['rotated customer server secret'] ?? '',
          SECRETS_ENCRYPTION_KEY: configured['encryption key'],
        },
      });
      expect(await crashed.ended, crashed.log.text).toBe('exit code 1');
      crashLog = crashed.log.text;
    }

    /** Everybody asks for everything, operators look at metrics and the board, and all spans arrive. */
    async function look(): Promise<void> {
      const operator = { authorization: `Bearer ${system.adminKey}` };
      const called = await callEveryGet(system.apiUrl(), used.ids, used.credentials);
      expect(called.length).toBeGreaterThan(20);
      for (const { url } of processes) await fetch(`${url}/metrics`, { headers: operator });
      await lookAtBoard();
      await until(() =>
        expect(collector.spans.filter(({ name }) => name === 'POST webhook').length).toBeGreaterThan(10),
      );
      expect(collector.headers.authorization).toBe(`Bearer ${configured['collector token']}`);
    }

    async function lookAtBoard(): Promise<void> {
      const operator = { authorization: `Bearer ${system.adminKey}` };
      const board = `${system.apiUrl()}/admin/queues/api/queues`;
      const states = ['latest', 'active', 'waiting', 'completed', 'failed', 'delayed'];
      for (const state of states) {
        const list = await fetch(`${board}?activeQueue=deliveries&status=${state}&jobsPerPage=100`, {
          headers: operator,
        });
        const { queues } = (await list.json()) as { queues: { jobs: { id: string }[] }[] };
        for (const { id } of queues[0]?.jobs ?? []) {
          await fetch(`${board}/deliveries/${id}`, { headers: operator });
          await fetch(`${board}/deliveries/${id}/logs`, { headers: operator });
        }
      }
    }

    /** All that is kept or shown, by where; of `made` secrets the answer that shows them is blanked, once. */
    async function readPlaces(made: Readonly<Record<string, string>>): Promise<Record<string, string>> {
      const answers = recorder.answers.map(({ request, text }) => ({ request, text }));
      for (const secret of Object.values(made)) {
        const first = answers.find(({ text }) => text.includes(secret));
        if (first !== undefined) first.text = first.text.replace(secret, '');
      }
      const textOf = (isWanted: (request: string) => boolean) =>
        answers
          .filter(({ request }) => isWanted(request))
          .map(({ text }) => text)
          .join('\n');
      const isBoard = (request: string) => request.includes('/admin/queues');
      const isMetrics = (request: string) => request.includes('/metrics');
      const files = ['api.log', 'worker.log'].map((name) => [
        name,
        readFileSync(path.join(directory, name), 'utf8'),
      ]);
      return {
        ...Object.fromEntries(system.processes.map(({ name, log }) => [`log of ${name}`, log.text])),
        ...Object.fromEntries(files),
        'log of a crash': crashLog,
        ...(await readTables(system.database.pool)),
        ...(redisUrl !== null && (await readRedis(redisUrl))),
        'Bull Board': textOf(isBoard),
        metrics: textOf(isMetrics),
        spans: collector.text,
        answers: textOf((request) => !isBoard(request) && !isMetrics(request)),
      };
    }

    test('are nowhere but in the one answer that makes each', async () => {
      const places = await readPlaces(used.made);
      expect(findLeaks(places, { ...configured, ...used.made, ...used.given })).toEqual([]);
      // It was worth looking: each place holds what it should.
      for (const [place, text] of Object.entries(places)) {
        if (!place.startsWith('table ')) expect(text.length, place).toBeGreaterThan(200);
      }
      expect(places['table public.delivery_attempts']).toContain('[redacted]');
      expect(places['Bull Board']).toContain(used.ids['deliveryId']);
      for (const secret of Object.values(used.made)) {
        expect(recorder.answers.filter(({ text }) => text.includes(secret))).toHaveLength(1);
      }
    });

    test('in URLs are shown with the URL only', async () => {
      const places = await readPlaces({});
      const others = Object.entries(places).filter(
        ([place]) => place !== 'answers' && !place.startsWith('table public.'),
      );
      expect(findLeaks(Object.fromEntries(others), { ...used.inUrls, ...inSettingsUrls })).toEqual([]);
    });

    test('would be found', async () => {
      const secret = random();
      const leaked = { 'leaked secret': secret };
      // A caller that writes its secret where a request's id belongs, and a job that holds one.
      const { body } = await createCaller(system.apiUrl, used.credentials[0] ?? {}).call<{ orderId: string }>(
        'POST',
        '/api/external/orders',
        { body: SERVICE_ORDER, headers: { 'x-request-id': secret } },
      );
      await waitUntilEnded(system.database, body.data.orderId, 2);
      await (redisUrl === null ? leakInJobOfPostgres(secret) : leakInJobOfRedis(redisUrl, secret));
      await lookAtBoard();
      await until(() => expect(findLeaks({ spans: collector.text }, leaked)).toHaveLength(1));
      const found = findLeaks(await readPlaces({}), leaked).map((leak) => leak.replace(/ as .*/, ''));
      const queue = redisUrl === null ? 'table bullmq.job' : 'Redis';
      expect(new Set(found)).toEqual(
        new Set(
          [
            'log of api 1',
            'api.log',
            'log of worker 2',
            'worker.log',
            'table public.order_transitions',
            queue,
            'Bull Board',
            'spans',
            'answers',
          ].map((place) => `leaked secret in ${place}`),
        ),
      );
    });

    async function leakInJobOfPostgres(secret: string): Promise<void> {
      await system.database.pool.query(
        `update bullmq.job set data = data || jsonb_build_object('endpointHost', $1::text)`,
        [secret],
      );
    }

    async function leakInJobOfRedis(url: string, secret: string): Promise<void> {
      const redis = new Redis(url);
      const [key = ''] = await redis.keys(`*${used.ids['deliveryId']}-1`);
      const data = JSON.parse((await redis.hget(key, 'data')) ?? '');
      await redis.hset(key, 'data', JSON.stringify({ ...data, endpointHost: secret }));
      redis.disconnect();
    }
  });
});
