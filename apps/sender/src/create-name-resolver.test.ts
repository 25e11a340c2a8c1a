import { describe, expect, it } from 'vitest';
import type { NameForTest } from './testing/name-server-for-test.ts';
import { resolverForTest } from './testing/resolver-for-test.ts';

const NOT_FOUND = { outcome: 'dns_failed', message: expect.stringMatching(/^name_not_found: /) };
const SHORT_TRIES = { tryTimeoutMs: 400 };
/** A datagram for each: more would not fit into the socket of the name server at once. */
const SILENT = Array.from({ length: 50 }, (_, n) => `silent-${n}.test`);

async function setUp(
  names: Record<string, NameForTest>,
  options: { hosts?: string; tryTimeoutMs?: number } = {},
) {
  const { resolveName, asked } = await resolverForTest(names, options);
  return { resolve: resolveName, asked };
}

describe('names the hosts file or a rule answers', () => {
  it('come from the hosts file first, in any case and with a final dot', async () => {
    const { resolve, asked } = await setUp(
      { 'hook.test': { ipv4: ['192.0.2.9'] } },
      { hosts: '::1 Hook.test # comment\n192.0.2.1\thook.test other.test\n' },
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
  it('are asked for once for all who wait for the answer, and anew after it', async () => {
    const { resolve, asked } = await setUp({ 'hook.test': { ipv4: ['192.0.2.1'] } });
    const resolveTwice = () => Promise.all([resolve('hook.test'), resolve('HOOK.test.')]);
    expect(await resolveTwice()).toEqual([['192.0.2.1'], ['192.0.2.1']]);
    // One question for each address family.
    expect(asked).toHaveLength(2);
    await resolveTwice();
    expect(asked).toHaveLength(4);
  });

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
    ['unknown.test', /^name_not_found: /],
    ['single', /^name_not_found: /],
    ['empty.test', /^name_without_address: /],
  ])('may have none: %s', async (name, message) => {
    const { resolve, asked } = await setUp({ 'empty.test': {} });
    await expect(resolve(name)).rejects.toMatchObject({
      outcome: 'dns_failed',
      message: expect.stringMatching(message),
    });
    // The very name and no other: no search domain is tried.
    expect(asked).toEqual([name, name]);
  });

  it.each([
    'bad..name',
    'localhost..',
    '.localhost',
    '.',
    '',
    `${'a'.repeat(64)}.test`,
    `${'a234567.'.repeat(31)}test.x`,
  ])('are asked for only when they can be a name: %s', async (name) => {
    const { resolve, asked } = await setUp({});
    await expect(resolve(name)).rejects.toMatchObject(NOT_FOUND);
    expect(asked).toEqual([]);
  });

  it('may have the longest name there is', async () => {
    const longest = `${'a234567.'.repeat(31)}test1`;
    const { resolve } = await setUp({ [longest]: { ipv4: ['192.0.2.1'] } });
    expect(longest).toHaveLength(253);
    expect(await resolve(longest)).toEqual(['192.0.2.1']);
  });

  it('may be aliases, whose addresses they have', async () => {
    const { resolve } = await setUp({
      'alias.test': { aliasOf: ['a.example', 'b.example'], ipv4: ['192.0.2.1'] },
      'dangling.test': { aliasOf: ['nowhere.example'] },
      'loop.test': { aliasOf: ['a.example', 'loop.test'] },
    });
    expect(await resolve('alias.test')).toEqual(['192.0.2.1']);
    for (const name of ['dangling.test', 'loop.test']) {
      await expect(resolve(name)).rejects.toMatchObject({ outcome: 'dns_failed' });
    }
  });

  it('may have more addresses than fit into a datagram, and all are given', async () => {
    const ipv4 = Array.from({ length: 2_000 }, (_, n) => `192.0.${n >> 8}.${n & 255}`);
    const { resolve } = await setUp({ 'many.test': { ipv4, isTooLongForUdp: true } });
    expect((await resolve('many.test')).toSorted()).toEqual(ipv4.toSorted());
  });

  it('may get no answer, within bounds', async () => {
    const names = { 'hook.test': { ipv4: 'silence', ipv6: 'silence' } } as const;
    const { resolve, asked } = await setUp(names, SHORT_TRIES);
    await expect(resolve('hook.test')).rejects.toMatchObject({
      outcome: 'dns_failed',
      message: expect.stringMatching(/^dns_timed_out: /),
    });
    expect(asked).toHaveLength(6);
  });

  it('may be many that get no answer, and hold up nobody', async () => {
    const silentNames = SILENT.map((name) => [name, { ipv4: 'silence', ipv6: 'silence' }] as const);
    const names = { 'hook.test': { ipv4: ['192.0.2.1'] }, ...Object.fromEntries(silentNames) };
    const { resolve } = await setUp(names, SHORT_TRIES);
    let ended = 0;
    const silent = SILENT.map(async (name) => {
      await expect(resolve(name)).rejects.toMatchObject({ outcome: 'dns_failed' });
      ended += 1;
    });
    expect(await resolve('hook.test')).toEqual(['192.0.2.1']);
    expect(ended).toBe(0);
    await Promise.all(silent);
  });
});
