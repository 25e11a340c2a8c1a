import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { isAllowedAddress, parseNetworks } from './address-class.ts';

const NONE = parseNetworks([]);
const LOOPBACK = parseNetworks(['127.0.0.0/8', '::1/128']);

describe('without allowed networks', () => {
  it.each([
    '8.8.8.8',
    '1.1.1.1',
    '172.15.255.255',
    '172.32.0.0',
    '168.63.129.15',
    '2606:4700:4700::1111',
    '2a00:1450:4001:82a::200e',
    '::ffff:8.8.8.8',
  ])('%s is public', (ip) => {
    expect(isAllowedAddress(ip, NONE)).toBe(true);
  });

  it.each([
    ['0.0.0.0', 'this host'],
    ['0.1.2.3', 'this network'],
    ['10.0.0.1', 'private'],
    ['172.16.0.1', 'private'],
    ['172.31.255.255', 'private'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'carrier-grade NAT'],
    ['127.0.0.1', 'loopback'],
    ['127.255.255.254', 'loopback'],
    ['169.254.169.254', 'link-local, cloud metadata'],
    ['168.63.129.16', 'Azure host'],
    ['192.0.0.1', 'protocol assignments'],
    ['192.0.2.1', 'documentation'],
    ['192.88.99.1', '6to4 relay'],
    ['198.18.0.1', 'benchmarking'],
    ['198.51.100.1', 'documentation'],
    ['203.0.113.1', 'documentation'],
    ['224.0.0.1', 'multicast'],
    ['240.0.0.1', 'reserved'],
    ['255.255.255.255', 'broadcast'],
    ['::', 'unspecified'],
    ['::1', 'loopback'],
    ['::7f00:1', 'IPv4-compatible loopback'],
    ['::808:808', 'IPv4-compatible'],
    ['::8.8.8.8', 'IPv4-compatible'],
    ['::ffff:127.0.0.1', 'IPv4-mapped loopback'],
    ['::ffff:a9fe:a9fe', 'IPv4-mapped cloud metadata'],
    ['::ffff:168.63.129.16', 'IPv4-mapped Azure host'],
    ['::ffff:0:127.0.0.1', 'IPv4-translated'],
    ['64:ff9b::7f00:1', 'NAT64'],
    ['64:ff9b::808:808', 'NAT64 of a public address'],
    ['64:ff9b:1::7f00:1', 'local NAT64'],
    ['100::1', 'discard'],
    ['2001:0:4136:e378:8000:63bf:3fff:fdd2', 'Teredo'],
    ['2001:db8::1', 'documentation'],
    ['3fff::1', 'documentation'],
    ['2002:7f00:1::', '6to4 of loopback'],
    ['2002:808:808::1', '6to4 of a public address'],
    ['4000::1', 'not given out'],
    ['5f00::1', 'segment routing'],
    ['fc00::1', 'unique local'],
    ['fd12:3456::1', 'unique local'],
    ['fe80::1', 'link-local'],
    ['fe80::1%eth0', 'link-local with a zone'],
    ['fec0::1', 'site-local'],
    ['ff02::1', 'multicast'],
  ])('%s is refused: %s', (ip) => {
    expect(isAllowedAddress(ip, NONE)).toBe(false);
  });

  it.each([
    '',
    'localhost',
    '127.1',
    '8.8',
    '0x8080808',
    '134744072',
    '010.8.8.8',
    '08.8.8.8',
    '8.8.8.8 ',
    '8.8.8.8/32',
    '[2606:4700:4700::1111]',
    '8.8.8.256',
  ])('%j is no address in its usual notation', (ip) => {
    expect(isAllowedAddress(ip, NONE)).toBe(false);
  });

  it('judges every IPv4 address and its IPv4-mapped spelling alike', () => {
    const octets = fc.uint8Array({ minLength: 4, maxLength: 4 });
    const lists = [NONE, LOOPBACK, parseNetworks(['10.0.0.0/8', 'fd00::/8'])];
    fc.assert(
      fc.property(octets, fc.constantFrom(...lists), (bytes, allowed) => {
        const ip = [...bytes].join('.');
        const mapped = `::ffff:${ip}`;
        expect(isAllowedAddress(mapped, allowed)).toBe(isAllowedAddress(ip, allowed));
        const inHex = ipaddr.parse(mapped).toNormalizedString();
        expect(isAllowedAddress(inHex, allowed)).toBe(isAllowedAddress(ip, allowed));
      }),
    );
  });
});

describe('with allowed networks', () => {
  it.each(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', '8.8.8.8'])('%s passes', (ip) => {
    expect(isAllowedAddress(ip, LOOPBACK)).toBe(true);
  });

  it.each(['10.0.0.1', '169.254.169.254', '::2', 'fe80::1', '64:ff9b::7f00:1', '::7f00:1', '127.1'])(
    '%s does not',
    (ip) => {
      expect(isAllowedAddress(ip, LOOPBACK)).toBe(false);
    },
  );

  it('may name what is refused by hand', () => {
    expect(isAllowedAddress('168.63.129.16', parseNetworks(['168.63.129.16/32']))).toBe(true);
  });

  it('reads a network of IPv4-mapped addresses as IPv4', () => {
    const networks = parseNetworks(['::ffff:10.0.0.0/104']);
    expect(isAllowedAddress('10.1.2.3', networks)).toBe(true);
    expect(isAllowedAddress('::ffff:10.1.2.3', networks)).toBe(true);
    expect(isAllowedAddress('192.168.0.1', networks)).toBe(false);
  });
});

describe('parseNetworks', () => {
  it('names every entry that is no network', () => {
    expect(() => parseNetworks(['10.0.0.0/8', '10.0.0.1', 'fd00::/129', 'home'])).toThrow(
      'not a network in CIDR notation: "10.0.0.1", "fd00::/129", "home"',
    );
  });

  it.each(['', '/', '10.0.0.0/', '10.0.0.0/33', '10/8', '10.0.0.0/8/8', '10.0.0.0/-1', '::1.2.3.0/120'])(
    'refuses %j',
    (cidr) => {
      expect(() => parseNetworks([cidr])).toThrow('not a network');
    },
  );
});
