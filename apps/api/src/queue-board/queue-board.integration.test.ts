import { createId } from '@vendor-server/platform/ids/create-id.ts';
import { testQueueBackends } from '@vendor-server/platform/testing/test-redis.ts';
import type { InjectOptions } from 'fastify';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { buildApp } from '../app.ts';
import { BASIC, type BoardStage, createBoardStage } from '../testing/create-board-stage.ts';
import { OPERATOR_KEY } from '../testing/create-test-api.ts';

const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "connect-src 'self'; font-src 'self'; base-uri 'self'; form-action 'none'; frame-ancestors 'none'";

const until = (check: () => unknown) => vi.waitFor(check, { timeout: 10_000, interval: 20 });

describe.for(testQueueBackends())('$title', ({ redisUrl, skipReason }) => {
  describe.skipIf(skipReason !== null)('Bull Board', () => {
    let stage: BoardStage;
    let failedId: string;
    let waitingId: string;

    beforeAll(async () => {
      stage = await createBoardStage(redisUrl);
      failedId = `${stage.failed.deliveryId}-1`;
      waitingId = `${stage.waiting.deliveryId}-1`;
    });
    afterAll(() => stage.close());

    const ask = (url: string, options: Omit<InjectOptions, 'url'> = {}) =>
      stage.app.inject({ url: `/admin/queues${url}`, headers: { authorization: BASIC }, ...options });

    async function readScriptPath(): Promise<string> {
      const [, path] = /src="(static\/js\/[^"]+)"/.exec((await ask('')).body) ?? [];
      return `/${path}`;
    }

    test.for(['', '/', '/queue/deliveries', '/queue/deliveries?status=failed&page=1'])(
      'serves its page at "%s" to an operator, with a policy of its own',
      async (path) => {
        for (const authorization of [BASIC, stage.api.operator.authorization]) {
          const answer = await ask(path, { headers: { authorization } });
          expect(answer.statusCode).toBe(200);
          expect(answer.headers['content-type']).toContain('text/html');
          expect(answer.body).toContain('<base href="/admin/queues/" />');
          expect(answer.headers['content-security-policy']).toBe(POLICY);
          expect(answer.headers['cache-control']).toBe('private, no-cache');
        }
      },
    );

    test('shows the jobs with what is in them, their failure and their log', async () => {
      const list = (await ask('/api/queues?activeQueue=deliveries&status=failed')).json();
      expect(list.queues).toMatchObject([
        {
          name: 'deliveries',
          readOnlyMode: true,
          allowRetries: false,
          counts: { active: 0, waiting: 1, completed: 0, failed: 1, delayed: 0 },
          jobs: [
            {
              id: failedId,
              name: 'assigned',
              data: stage.failed,
              failedReason: 'rejected 400',
              stacktrace: [],
              externalUrl: { href: `/api/admin/deliveries/${stage.failed.deliveryId}` },
            },
          ],
        },
      ]);
      expect((await ask(`/api/queues/deliveries/${failedId}`)).json()).toMatchObject({
        status: 'failed',
        job: { id: failedId, isFailed: true },
      });
      expect((await ask(`/api/queues/deliveries/${failedId}/logs`)).json()).toEqual([
        'attempt 1: rejected 400 after 12 ms, failed for good: rejected',
      ]);
      expect((await ask(`/api/queues/deliveries/${waitingId}`)).json()).toMatchObject({ status: 'waiting' });
    });

    test('shows the latest of every state on one page', async () => {
      const { queues } = (
        await ask('/api/queues?activeQueue=deliveries&status=latest&jobsPerPage=100000')
      ).json();
      expect(queues[0].jobs).toHaveLength(2);
    });

    describe('without the credential', () => {
      const wrong = [
        {},
        { authorization: 'Bearer wrong' },
        { authorization: `Basic ${Buffer.from('admin:wrong').toString('base64')}` },
        { authorization: `Basic ${Buffer.from(`root:${OPERATOR_KEY}`).toString('base64')}` },
        { 'x-customer-secret': OPERATOR_KEY },
      ];

      test('serves nothing: neither pages nor assets nor what is not there', async () => {
        const paths = [
          '',
          '/',
          '/?',
          '//',
          '/queue/deliveries',
          `/queue/deliveries/${failedId}`,
          '/api/queues',
          `/api/queues/deliveries/${failedId}`,
          `/api/queues/deliveries/${failedId}/logs`,
          await readScriptPath(),
          '/static/favicon.ico',
          '/static/images/logo.svg',
          '/%73tatic/favicon.ico',
          '/static/%66avicon.ico',
          '/static/../static/favicon.ico',
          '/static/locales/en-US/messages.json',
        ];
        for (const path of paths) {
          for (const method of ['GET', 'HEAD'] as const) {
            for (const headers of wrong) {
              const { statusCode, body } = await ask(path, { method, headers });
              expect([401, 404], `${method} ${path}`).toContain(statusCode);
              expect(body).not.toContain('<html');
              expect(body.length).toBeLessThan(250);
            }
          }
        }
        for (const url of [
          '/%61dmin/queues',
          '/admin/%71ueues/static/favicon.ico',
          '/admin/queues%2fstatic',
        ]) {
          expect([401, 404]).toContain((await stage.app.inject({ url })).statusCode);
        }
      });

      test('asks a browser for it', async () => {
        const answer = await ask('', { headers: {} });
        expect(answer.statusCode).toBe(401);
        expect(answer.headers['www-authenticate']).toMatch(/^Basic realm=/);
      });

      test('slows down whoever tries', async () => {
        const { settings } = stage.api.deps;
        const app = buildApp({
          ...stage.api.deps,
          settings: { ...settings, rateLimitWrongCredentialsPerMinute: 2 },
        });
        const headers = { authorization: 'Bearer wrong' };
        const statuses = [];
        for (const url of ['/admin/queues', '/admin/queues/static/favicon.ico', '/admin/queues/api/queues']) {
          statuses.push((await app.inject({ url, headers })).statusCode);
        }
        expect(statuses).toEqual([401, 401, 429]);
        await app.close();
      });

      test('says nothing about what it would refuse', async () => {
        expect((await ask('/api/queues/pause', { method: 'PUT', headers: {} })).statusCode).toBe(401);
      });
    });

    test('serves each of its assets to an operator, and its head alone', async () => {
      const path = await readScriptPath();
      const answer = await ask(path);
      expect(answer.statusCode).toBe(200);
      expect(answer.headers['cache-control']).toBe('private, no-cache');
      const head = await ask(path, { method: 'HEAD' });
      expect(head.statusCode).toBe(200);
      expect(head.body).toBe('');
      const etag = String(answer.headers.etag);
      const again = await ask(path, { headers: { authorization: BASIC, 'if-none-match': etag } });
      expect(again.statusCode).toBe(304);
    });

    test.for([
      ['PUT', '/api/queues/pause'],
      ['PUT', '/api/queues/resume'],
      ['POST', '/api/queues/deliveries/add'],
      ['PUT', '/api/queues/deliveries/retry/failed'],
      ['PUT', '/api/queues/deliveries/promote'],
      ['PUT', '/api/queues/deliveries/clean/failed'],
      ['PUT', '/api/queues/deliveries/pause'],
      ['PUT', '/api/queues/deliveries/resume'],
      ['PUT', '/api/queues/deliveries/concurrency'],
      ['PUT', '/api/queues/deliveries/rate-limit'],
      ['PUT', '/api/queues/deliveries/rate-limit/release'],
      ['PUT', '/api/queues/deliveries/empty'],
      ['PUT', '/api/queues/deliveries/obliterate'],
      ['PUT', '/api/queues/deliveries/job-schedulers/x/remove'],
      ['PATCH', '/api/queues/deliveries/job-schedulers/x'],
      ['PUT', '/api/queues/deliveries/job-schedulers/x/run'],
      ['PUT', '/api/queues/deliveries/:job/retry'],
      ['PUT', '/api/queues/deliveries/:job/clean'],
      ['PUT', '/api/queues/deliveries/:job/promote'],
      ['PATCH', '/api/queues/deliveries/:job/update-data'],
      ['PATCH', '/api/queues/deliveries/:job/delay'],
      ['PATCH', '/api/queues/deliveries/:job/priority'],
      ['PUT', '/api/queues/deliveries/:job/remove-unprocessed-children'],
      ['DELETE', '/api/queues/deliveries/:job'],
      ['POST', '/'],
      ['OPTIONS', '/api/queues'],
    ] as const)('refuses to change anything: %s %s', async ([method, path]) => {
      for (const id of [failedId, waitingId]) {
        const body = method === 'OPTIONS' ? {} : { payload: { name: 'x', data: {}, max: 1, concurrency: 0 } };
        const answer = await ask(path.replace(':job', id), { method, ...body });
        expect(answer.statusCode).toBe(405);
        expect(answer.headers.allow).toBe('GET, HEAD');
        expect(answer.json()).toMatchObject({
          ok: false,
          code: 'method_not_allowed',
          error: expect.stringContaining('resend'),
        });
      }
      const { queues } = (await ask('/api/queues?activeQueue=deliveries')).json();
      expect(queues).toMatchObject([{ isPaused: false, counts: { waiting: 1, failed: 1 } }]);
    });

    test.for([
      '/api/redis/stats',
      '/api/queues/deliveries/workers',
      '/api/queues/deliveries/default-job-options',
      '/api/queues/deliveries/rate-limit',
      '/api/queues/other/1',
      `/api/queues/deliveries/${createId()}-1`,
      '/static/no-such-file.js',
      '/static/',
      '/no-such-page',
    ])('has nothing at %s', async (path) => {
      const answer = await ask(path);
      expect(answer.statusCode).toBe(404);
      expect(answer.json()).toMatchObject({ ok: false, code: 'not_found' });
    });

    test.for(['page=0', 'page=x', 'jobsPerPage=-1', 'status=nonsense', 'status=%00', 'status=%'])(
      'refuses ?%s',
      async (query) => {
        const answer = await ask(`/api/queues?activeQueue=deliveries&${query}`);
        expect(answer.statusCode).toBe(400);
        expect(answer.json()).toMatchObject({ ok: false, code: 'validation_failed' });
      },
    );

    test('loosens the query of nobody else', async () => {
      const answer = await stage.app.inject({
        url: '/api/admin/orders?activeQueue=x',
        headers: stage.api.operator,
      });
      expect(answer.statusCode).toBe(400);
    });

    test.for(['cut', 'hang'] as const)(
      'says that the queue is away when it is %s, and no more',
      async (how) => {
        if (how === 'cut') await stage.proxy.cut();
        else stage.proxy.hang();
        const startedAt = performance.now();
        for (const path of ['', `/${failedId}`, `/${failedId}/logs`]) {
          const url = path === '' ? '/api/queues?activeQueue=deliveries' : `/api/queues/deliveries${path}`;
          const answer = await ask(url);
          expect(answer.statusCode).toBe(503);
          expect(answer.json()).toEqual({
            ok: false,
            requestId: expect.any(String),
            code: 'queue_unavailable',
            error: 'The queue does not answer; try again shortly.',
          });
        }
        expect((await ask('')).statusCode).toBe(200);
        expect(performance.now() - startedAt).toBeLessThan(10_000);
        await stage.proxy.restore();
        await until(async () =>
          expect((await ask('/api/queues?activeQueue=deliveries')).json()).toMatchObject({
            queues: [{ counts: { failed: 1 } }],
          }),
        );
      },
    );

    test('is there when the queue was away as the API started, and comes', async () => {
      await stage.proxy.cut();
      const late = stage.openQueue();
      const lateApp = buildApp({ ...stage.api.deps, queue: late });
      const look = () =>
        lateApp.inject({ url: '/admin/queues/api/queues', headers: { authorization: BASIC } });
      expect((await look()).statusCode).toBe(503);
      await stage.proxy.restore();
      await until(async () => expect((await look()).statusCode).toBe(200));
      await lateApp.close();
      await late.close();
    });
  });
});
