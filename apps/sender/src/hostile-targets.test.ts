/*
 * The corpus of hostile targets, each tried through the sender that ships. That nothing connects is seen twice: a
 * server on every address of this machine sees nobody, and Node is asked for no connection, wherever to. The same
 * targets are reached once they are allowed, so both would see it.
 */
import { networkInterfaces } from 'node:os';
import { parseNetworks } from '@vendor-server/domain/endpoints/address-class.ts';
import {
  INNER_HOSTS,
  LOCALHOST_NAMES,
  LOOPBACK_HOSTS,
  MALFORMED_URLS,
} from '@vendor-server/domain/testing/hostile-targets.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createOwnAddresses } from './own-addresses.ts';
import { type MachineServers, startMachineServers } from './testing/machine-servers.ts';
import { resolverForTest } from './testing/resolver-for-test.ts';
import { requestTo, senderForTest } from './testing/sender-for-test.ts';
import { watchConnects } from './testing/watch-connects.ts';

const PRODUCTION: string[] = [];
const DEVELOPMENT = ['127.0.0.0/8', '::1/128'];
const FORBIDDEN = {
  outcome: 'blocked_address',
  responseStatus: null,
  error: "blocked_address: The endpoint's host leads to an address that webhooks may not reach.",
};

let machine: MachineServers;

beforeAll(async () => {
  machine = await startMachineServers();
});
afterAll(() => machine.close());

/** Sends to each, in the same way as the shipped sender, and expects nothing to connect. */
async function expectNoneReached(urls: readonly string[], allowedNetworks: string[]): Promise<void> {
  const { resolveName } = await resolverForTest({});
  const sender = senderForTest({ allowedNetworks, resolveName, ownAddresses: createOwnAddresses() });
  const before = machine.connections;
  const connects = watchConnects();
  for (const url of urls) {
    expect({ url, ...(await sender.send(requestTo(url))) }).toMatchObject({ url, ...FORBIDDEN });
  }
  expect(connects).toEqual({ begun: 0, systemLookUps: 0 });
  expect(machine.connections).toBe(before);
}

async function expectAllReached(hosts: readonly string[]): Promise<void> {
  const { resolveName } = await resolverForTest({});
  const sender = senderForTest({
    allowedNetworks: DEVELOPMENT,
    resolveName,
    ownAddresses: createOwnAddresses(),
  });
  const before = machine.connections;
  const connects = watchConnects();
  for (const host of hosts) {
    const result = await sender.send(requestTo(`http://${host}:${machine.port}/`));
    expect({ host, ...result }).toMatchObject({ host, outcome: 'acknowledged' });
  }
  expect(connects.begun).toBeGreaterThan(0);
  expect(machine.connections - before).toBeGreaterThan(0);
}

const fill = (url: string) => url.replace('PORT', String(machine.port));

describe('with no network allowed, as in production, nothing reaches', () => {
  it.each(Object.entries({ ...LOOPBACK_HOSTS, ...INNER_HOSTS }))('%s', async (_class, hosts) => {
    await expectNoneReached(hosts.flatMap(machine.urlsOf), PRODUCTION);
  });

  it('localhost, however it is spelled', async () => {
    await expectNoneReached(LOCALHOST_NAMES.flatMap(machine.urlsOf), PRODUCTION);
  });

  it("this machine's own addresses", async () => {
    const hosts = ownHosts(() => true);
    expect(hosts).toContain('127.0.0.1');
    await expectNoneReached(hosts.flatMap(machine.urlsOf), PRODUCTION);
  });

  it('a host that credentials hide', async () => {
    await expectNoneReached(MALFORMED_URLS['must not contain credentials'].map(fill), PRODUCTION);
  });
});

describe('with loopback allowed, as in development, the sender', () => {
  it.each(Object.entries(LOOPBACK_HOSTS))('reaches %s', async (_class, hosts) => {
    await expectAllReached(hosts);
  });

  it('reaches localhost, however it is spelled', async () => {
    await expectAllReached(LOCALHOST_NAMES);
  });

  it.each(Object.entries(INNER_HOSTS))('reaches no address of this kind: %s', async (_class, hosts) => {
    await expectNoneReached(hosts.flatMap(machine.urlsOf), DEVELOPMENT);
  });

  it("reaches none of this machine's other addresses", async () => {
    const hosts = ownHosts(({ internal }) => !internal);
    await expectNoneReached(hosts.flatMap(machine.urlsOf), DEVELOPMENT);
  });
});

describe('a URL that is none, or not for HTTP,', () => {
  it.each(Object.entries(MALFORMED_URLS))('which %s, connects to nothing', async (_rule, urls) => {
    const { resolveName, asked } = await resolverForTest({ localhost: { ipv4: ['127.0.0.1'] } });
    const sender = senderForTest({ allowedNetworks: PRODUCTION, resolveName });
    const connects = watchConnects();
    for (const url of urls.map(fill)) {
      const end = await sender.send(requestTo(url)).then(
        ({ outcome }) => outcome,
        (error: unknown) => (error instanceof Error ? error.message : error),
      );
      // What the parser mends is judged like any other; the rest cannot be sent, or has no address.
      const expected = expect.stringMatching(
        /^(blocked_address|dns_failed|Invalid URL|Not an HTTP URL: .*)$/,
      );
      expect({ url, end }).toEqual({ url, end: expected });
    }
    expect(asked).not.toContain('localhost');
    expect(connects).toEqual({ begun: 0, systemLookUps: 0 });
  });
});

describe("an address of this machine's own that is public", () => {
  const hosts = ['93.184.216.34', '[::ffff:93.184.216.34]', '1572395042', '[2606:2800:220:1::1]'];
  const ownAddresses = () => parseNetworks(['93.184.216.34/32', '2606:2800:220:1::1/128']);

  it('is not reached: what listens here does not trust the whole world', async () => {
    const sender = senderForTest({ allowedNetworks: DEVELOPMENT, ownAddresses });
    const connects = watchConnects();
    for (const host of hosts) {
      const url = `http://${host}/`;
      expect({ url, ...(await sender.send(requestTo(url))) }).toMatchObject({ url, ...FORBIDDEN });
    }
    expect(connects.begun).toBe(0);
  });

  it('is reached when an allowed network names it', async () => {
    const own = () => parseNetworks(['127.0.0.1/32']);
    const sender = senderForTest({ allowedNetworks: ['127.0.0.1/32'], ownAddresses: own });
    const result = await sender.send(requestTo(`http://127.0.0.1:${machine.port}/`));
    expect(result).toMatchObject({ outcome: 'acknowledged' });
  });
});

type NetworkInterface = NonNullable<ReturnType<typeof networkInterfaces>[string]>[number];

function ownHosts(isWanted: (each: NetworkInterface) => boolean): string[] {
  return Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .filter(isWanted)
    .map(({ address, family }) => (family === 'IPv6' ? `[${address}]` : address));
}
