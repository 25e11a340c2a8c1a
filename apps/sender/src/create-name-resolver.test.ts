import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createNameResolver } from './create-name-resolver.ts';
import { type NameForTest, nameServerForTest } from './testing/name-server-for-test.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'hosts-'));
});

afterEach(() => rm(directory, { recursive: true }));

async function setUp(names: Record<string, NameForTest>, hosts = '') {
  const hostsPath = path.join(directory, 'hosts');
  await writeFile(hostsPath, hosts);
  const nameServer = await nameServerForTest(names);
  return {
    resolve: createNameResolver({ hostsPath, servers: [nameServer.address], tryTimeoutMs: 400 }),
    asked: nameServer.asked,
  };
}

describe('names the hosts file or a rule answers', () => {
  it('come from the hosts file first, in any case and with a final dot', async () => {
    const { resolve, asked } = await setUp(
      { 'hook.test': { ipv4: ['192.0.2.9'] } },
      '::1 Hook.test # comment\n192.0.2.1\thook.test other.test\n',
    );
    for (const name of ['hook.test', 'HOOK.test.']) expect(await resolve(name)).toEqual(['192.0.2.1', '::1']);
    expect(asked).toEqual([]);
  });

  it.each(['localhost', 'LOCALHOST.', 'a.localhost'])(
    'are loopback without asking anyone: %s',
    async (name) => {
      const { resolve, asked } = await setUp({});
      expect(await resolve(name)).toEqual(['127.0.0.1', '::1']);
      expect(asked).toEqual([]);
    },
  );
});

describe('names the name server is asked for', () => {
  it('give all their addresses, IPv4 first', async () => {
    const { resolve } = await setUp({
      'hook.test': { ipv6: ['2001:db8:0:0:0:0:0:1'], ipv4: ['192.0.2.1', '192.0.2.2'] },
    });
    const addresses = await resolve('hook.test');
    expect(addresses.slice(0, 2).toSorted()).toEqual(['192.0.2.1', '192.0.2.2']);
    expect(addresses.slice(2)).toEqual(['2001:db8::1']);
  });

  it.each([
    [{ ipv4: ['192.0.2.1'] }, ['192.0.2.1']],
    [{ ipv6: ['2001:db8:0:0:0:0:0:1'] }, ['2001:db8::1']],
    [{ ipv4: ['192.0.2.1'], ipv6: 'silence' as const }, ['192.0.2.1']],
    [{ ipv6: ['2001:db8:0:0:0:0:0:1'], ipv4: 'silence' as const }, ['2001:db8::1']],
  ])('may have addresses of one family only: %j', async (name, addresses) => {
    const { resolve } = await setUp({ 'hook.test': name });
    expect(await resolve('hook.test')).toEqual(addresses);
  });

  it.each([
    ['unknown.test', 'name_not_found: '],
    ['empty.test', 'name_without_address: '],
    ['bad..name', 'name_not_found: '],
    [`${'a'.repeat(64)}.test`, 'name_not_found: '],
  ])('may have none: %s', async (name, reason) => {
    const { resolve } = await setUp({ 'empty.test': {} });
    await expect(resolve(name)).rejects.toMatchObject({
      outcome: 'dns_failed',
      message: expect.stringContaining(reason),
    });
  });

  it('may get no answer, within bounds', async () => {
    const { resolve, asked } = await setUp({ 'hook.test': { ipv4: 'silence', ipv6: 'silence' } });
    await expect(resolve('hook.test')).rejects.toMatchObject({
      outcome: 'dns_failed',
      message: expect.stringMatching(/^dns_timed_out: /),
    });
    expect(asked).toHaveLength(6);
  });
});
