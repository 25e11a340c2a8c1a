/** Names that lead inside, at once, in part, later or by a detour: tried with the resolver that ships and a name server. */
import {
  NAMES_THAT_LEAD_INSIDE,
  NAMES_THAT_LOOK_LIKE_OTHERS,
} from '@vendor-server/domain/testing/hostile-targets.ts';
import { createReceiver, type Receiver } from '@vendor-server/e2e/receiver/create-receiver.ts';
import { raw, respond, respondThenClose } from '@vendor-server/e2e/receiver/steps.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type MachineServers, startMachineServers } from './testing/machine-servers.ts';
import type { NameForTest } from './testing/name-server-for-test.ts';
import { resolverForTest } from './testing/resolver-for-test.ts';
import { requestTo, senderForTest } from './testing/sender-for-test.ts';
import { watchConnects } from './testing/watch-connects.ts';

const FORBIDDEN = {
  outcome: 'blocked_address',
  responseStatus: null,
  error: "blocked_address: The endpoint's host leads to an address that webhooks may not reach.",
};

describe('with no network allowed, a name', () => {
  let machine: MachineServers;

  beforeAll(async () => {
    machine = await startMachineServers();
  });
  afterAll(() => machine.close());

  async function expectNoneReached(names: Record<string, NameForTest>, hosts = ''): Promise<string[]> {
    const { resolveName, asked } = await resolverForTest(names, { hosts });
    const sender = senderForTest({ allowedNetworks: [], resolveName });
    const before = machine.connections;
    const connects = watchConnects();
    for (const url of Object.keys(names).flatMap(machine.urlsOf)) {
      expect({ url, ...(await sender.send(requestTo(url))) }).toMatchObject({ url, ...FORBIDDEN });
    }
    expect(connects).toEqual({ begun: 0, systemLookUps: 0 });
    expect(machine.connections).toBe(before);
    return asked;
  }

  it.each(Object.entries(NAMES_THAT_LEAD_INSIDE))('that leads %s is not followed', async (_class, names) => {
    const asked = await expectNoneReached(names);
    expect(new Set(asked)).toEqual(new Set(Object.keys(names)));
  });

  it('that leads inside by a chain of aliases is not followed', async () => {
    await expectNoneReached({
      'alias.test': { aliasOf: ['cdn.example'], ipv4: ['127.0.0.1'] },
      'chain.test': { aliasOf: ['a.example', 'b.example', 'localhost'], ipv6: ['0:0:0:0:0:0:0:1'] },
    });
  });

  it('of the hosts file leads nowhere else, and the name server is not asked', async () => {
    const hosts =
      '127.0.0.1 own-host\n::1 own-host6\n0.0.0.0 blocked.test\n10.0.0.2 db\n8.8.8.8 two\n10.0.0.1 two';
    const names = { 'own-host': {}, 'OWN-HOST.': {}, 'own-host6': {}, 'blocked.test': {}, db: {}, two: {} };
    expect(await expectNoneReached(names, hosts)).toEqual([]);
  });

  it.each(NAMES_THAT_LOOK_LIKE_OTHERS)(
    'that looks like another is asked for as %s: %s',
    async (name, asked) => {
      const server = await resolverForTest({ localhost: { ipv4: ['127.0.0.1'] } });
      const sender = senderForTest({ allowedNetworks: [], resolveName: server.resolveName });
      expect(await sender.send(requestTo(`http://${name}/`))).toMatchObject({ outcome: 'dns_failed' });
      expect(new Set(server.asked)).toEqual(new Set([asked.replace(/\.$/, '')]));
    },
  );
});

describe('a name that was allowed', () => {
  let allowed: Receiver;
  let forbidden: Receiver;

  beforeEach(async () => {
    [allowed, forbidden] = await createTwoOnOnePort('127.0.0.2', '127.0.0.1');
  });
  afterEach(() => Promise.all([allowed.close(), forbidden.close()]));

  const url = (name: string) => `http://${name}:${allowed.port}/`;

  async function setUp(names: Record<string, NameForTest>) {
    const { resolveName, asked } = await resolverForTest(names);
    const options = { allowedNetworks: ['127.0.0.2/32'], maxConnectionsPerOrigin: 1 };
    return { asked, sender: senderForTest({ ...options, resolveName }) };
  }

  it('and leads inside at the next look-up is not followed there', async () => {
    allowed.answer('/', respondThenClose(200));
    let isRebound = false;
    const { asked, sender } = await setUp({
      'rebinding.test': { ipv4: () => (isRebound ? ['127.0.0.1'] : ['127.0.0.2']) },
    });
    expect(await sender.send(requestTo(url('rebinding.test')))).toMatchObject({ outcome: 'acknowledged' });
    // One question for each address family and connection: none between the check and the connect.
    expect(asked).toHaveLength(2);
    await expect.poll(() => allowed.openConnections).toBe(0);
    isRebound = true;
    expect(await sender.send(requestTo(url('rebinding.test')))).toMatchObject(FORBIDDEN);
    expect(asked).toHaveLength(4);
    expect(allowed.requests).toHaveLength(1);
    expect(forbidden.connections).toBe(0);
  });

  it('keeps its connection to itself: another name at the same address gets its own, and its own check', async () => {
    const { sender } = await setUp({
      'one.test': { ipv4: ['127.0.0.2'] },
      'two.test': { ipv4: ['127.0.0.2'] },
      'three.test': { ipv4: ['127.0.0.1'] },
    });
    for (const name of ['one.test', 'one.test', 'two.test', 'one.test.']) {
      expect(await sender.send(requestTo(url(name)))).toMatchObject({ outcome: 'acknowledged' });
    }
    expect(await sender.send(requestTo(url('three.test')))).toMatchObject(FORBIDDEN);
    const served = allowed.requests.map((each) => [each.header('host'), each.connection]);
    const at = `:${allowed.port}`;
    expect(served).toEqual([
      [`one.test${at}`, 1],
      [`one.test${at}`, 1],
      [`two.test${at}`, 2],
      [`one.test.${at}`, 3],
    ]);
    expect(forbidden.connections).toBe(0);
  });

  it.each([
    ...[300, 301, 302, 303, 305, 307, 308].map((status) => [`a ${status}`, status, 'location'] as const),
    ['a Refresh header', 200, 'refresh'] as const,
    ['a Content-Location', 201, 'content-location'] as const,
    ['another service', 421, 'alt-svc'] as const,
    ['a proxy to log in to', 407, 'location'] as const,
  ])('sends us nowhere else by %s', async (_name, status, header) => {
    const inner = forbidden.url('/inner');
    const value = { refresh: `0; url=${inner}`, 'alt-svc': `h2="127.0.0.1:${forbidden.port}"` }[
      header as string
    ];
    allowed.answer('/', respond(status, { headers: { [header]: value ?? inner } }));
    const { sender } = await setUp({ 'redirecting.test': { ipv4: ['127.0.0.2'] } });
    const connects = watchConnects();
    for (let n = 0; n < 2; n += 1) {
      expect(await sender.send(requestTo(url('redirecting.test')))).toMatchObject({ responseStatus: status });
    }
    expect(connects.begun).toBe(1);
    expect(forbidden.connections).toBe(0);
  });

  it('sends us nowhere else by an early hint', async () => {
    const hint = `HTTP/1.1 103 Early Hints\r\nlink: <${forbidden.url('/')}>; rel=preconnect\r\n\r\n`;
    allowed.answer('/', raw(`${hint}HTTP/1.1 204 No Content\r\n\r\n`));
    const { sender } = await setUp({ 'hinting.test': { ipv4: ['127.0.0.2'] } });
    expect(await sender.send(requestTo(url('hinting.test')))).toMatchObject({ responseStatus: 204 });
    expect(forbidden.connections).toBe(0);
  });
});

/** The number that the first one gets may be taken for the other; then it is another one's turn. */
async function createTwoOnOnePort(host: string, otherHost: string): Promise<[Receiver, Receiver]> {
  const first = await createReceiver({ host });
  try {
    return [first, await createReceiver({ host: otherHost, port: first.port })];
  } catch {
    await first.close();
    return createTwoOnOnePort(host, otherHost);
  }
}
