/*
 * The classifier against the registries it has to obey, reckoned with big numbers and without the library it uses.
 * A special-purpose block that the registry calls globally reachable is refused too: each is an anycast address that
 * any network on the way may answer itself, a translation to IPv4, or an identifier that is no host's address.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AddressNumber, isWithin, toGroups, toRange, toSpellings } from '../testing/address-space.ts';
import { OTHER_BLOCKS, SPECIAL_PURPOSE_BLOCKS } from '../testing/special-purpose-blocks.ts';
import { isAllowedAddress, parseNetworks } from './address-class.ts';

const NONE = parseNetworks([]);
const MAX_IPV4 = 2n ** 32n - 1n;
const MAX_IPV6 = 2n ** 128n - 1n;
const MAPPED_CIDR = '::ffff:0:0/96';
const MAPPED = toRange(MAPPED_CIDR);
/** IPv4-mapped addresses are judged as what they stand for, which has tests of its own. */
const BLOCKS_OUT_OF_REACH = SPECIAL_PURPOSE_BLOCKS.filter(
  ({ cidr, isGloballyReachable }) => isGloballyReachable !== true && cidr !== MAPPED_CIDR,
);

const ranges = [...SPECIAL_PURPOSE_BLOCKS.map(({ cidr }) => cidr), ...OTHER_BLOCKS].map(toRange);

/** ISATAP (RFC 5214 section 6.1): the last 64 bits are 0:5efe or 200:5efe and an IPv4 address. */
function isIsatap({ bits, value }: AddressNumber): boolean {
  const identifier = (value >> 32n) & 0xffff_ffffn;
  return bits === 128 && (identifier === 0x5efen || identifier === 0x200_5efen);
}

function isPublic(address: AddressNumber): boolean {
  if (isWithin(address, MAPPED)) return isPublic({ bits: 32, value: address.value & MAX_IPV4 });
  return !isIsatap(address) && !ranges.some((range) => isWithin(address, range));
}

/** The spellings of an address that the classifier does not judge so. */
function judgedOtherwise(address: AddressNumber, expected: boolean): string[] {
  return toSpellings(address).filter((spelling) => isAllowedAddress(spelling, NONE) !== expected);
}

const misjudged = (address: AddressNumber) => judgedOtherwise(address, isPublic(address));

function assertAgreement(addresses: fc.Arbitrary<AddressNumber>): void {
  fc.assert(
    fc.property(addresses, (address) => {
      expect(misjudged(address)).toEqual([]);
    }),
    { numRuns: 2_000 },
  );
}

describe('the classifier and the registries', () => {
  it('agree at both ends of every block, and one beyond', () => {
    const edges = ranges.flatMap(({ bits, first, last }) => {
      const max = bits === 32 ? MAX_IPV4 : MAX_IPV6;
      return [first - 1n, first, (first + last) / 2n, last, last + 1n]
        .filter((value) => value >= 0n && value <= max)
        .map((value) => ({ bits, value }));
    });
    expect(edges.flatMap(misjudged)).toEqual([]);
  });

  it('agree on any address', () => {
    const ipv4 = fc.record({ bits: fc.constant(32 as const), value: fc.bigInt(0n, MAX_IPV4) });
    const ipv6 = fc.record({ bits: fc.constant(128 as const), value: fc.bigInt(0n, MAX_IPV6) });
    const unicast = ipv6.map(({ bits, value }) => ({ bits, value: (value >> 3n) | (1n << 125n) }));
    assertAgreement(fc.oneof(ipv4, ipv6, unicast));
  });

  it('agree within and around any block', () => {
    const near = fc
      .tuple(fc.constantFrom(...ranges), fc.bigInt(0n, MAX_IPV6))
      .map(([{ bits, first, last }, random]) => {
        const size = last - first + 1n;
        const value = first - size + (random % (3n * size));
        const max = bits === 32 ? MAX_IPV4 : MAX_IPV6;
        return { bits, value: value < 0n ? 0n : value > max ? max : value };
      });
    assertAgreement(near);
  });

  it.each(BLOCKS_OUT_OF_REACH)('$cidr, $name, is refused as a whole', ({ cidr }) => {
    const { bits, first, last } = toRange(cidr);
    const inside = [first, (first + last) / 2n, last].map((value) => ({ bits, value }));
    expect(inside.flatMap((address) => judgedOtherwise(address, false))).toEqual([]);
  });
});

describe('an IPv4 address inside an IPv6 one', () => {
  const EMBEDDINGS: Record<string, (ipv4: bigint) => bigint> = {
    'IPv4-compatible': (ipv4) => ipv4,
    'IPv4-translated': (ipv4) => (0xffffn << 48n) | ipv4,
    NAT64: (ipv4) => toRange('64:ff9b::/96').first | ipv4,
    'local NAT64, at the end': (ipv4) => toRange('64:ff9b:1::/48').first | ipv4,
    // RFC 6052 section 2.2 leaves out bits 64 to 71.
    'local NAT64, after the prefix': (ipv4) =>
      toRange('64:ff9b:1::/48').first | ((ipv4 >> 16n) << 64n) | ((ipv4 & 0xffffn) << 40n),
    '6to4': (ipv4) => toRange('2002::/16').first | (ipv4 << 80n) | 1n,
    'Teredo, as server': (ipv4) => toRange('2001::/32').first | (ipv4 << 64n),
    'Teredo, as client': (ipv4) => toRange('2001::/32').first | (ipv4 ^ MAX_IPV4),
    ISATAP: (ipv4) => toRange('2606:4700::/64').first | (0x5efen << 32n) | ipv4,
    'ISATAP of a public address': (ipv4) => toRange('2606:4700::/64').first | (0x200_5efen << 32n) | ipv4,
  };

  it.each(Object.entries(EMBEDDINGS))('as %s is refused, whatever it is', (_name, embed) => {
    fc.assert(
      fc.property(fc.bigInt(0n, MAX_IPV4), (ipv4) => {
        expect(judgedOtherwise({ bits: 128, value: embed(ipv4) }, false)).toEqual([]);
      }),
    );
  });

  it('as IPv4-mapped is judged as the IPv4 address', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, MAX_IPV4), (ipv4) => {
        const mapped = { bits: 128 as const, value: MAPPED.first | ipv4 };
        expect(judgedOtherwise(mapped, isPublic({ bits: 32, value: ipv4 }))).toEqual([]);
      }),
    );
  });
});

describe('an allowed network', () => {
  const cidr = fc
    .tuple(fc.boolean(), fc.bigInt(0n, MAX_IPV6), fc.integer({ min: 1, max: 128 }))
    .map(([isIpv4, value, length]) =>
      isIpv4
        ? `${(value & 0xffn).toString()}.${((value >> 8n) & 0xffn).toString()}.0.0/${((length - 1) % 32) + 1}`
        : `${toGroups(value).join(':')}/${length}`,
    )
    // A network of IPv4-mapped addresses stands for IPv4 and has a test of its own.
    .filter((network) => !isWithin({ bits: 128, value: toRange(network).first }, MAPPED));

  it('lets pass what lies in it and nothing else', () => {
    fc.assert(
      fc.property(cidr, fc.bigInt(0n, MAX_IPV6), (network, random) => {
        const range = toRange(network);
        const inside = range.first + (random % (range.last - range.first + 1n));
        const anywhere = random % (range.bits === 32 ? MAX_IPV4 + 1n : MAX_IPV6 + 1n);
        const list = parseNetworks([network]);
        for (const value of [inside, anywhere]) {
          const address = { bits: range.bits, value };
          const [spelling = ''] = toSpellings(address);
          // A mapped address is judged as the IPv4 address it stands for: no IPv6 network opens it.
          const isOpened = isWithin(address, range) && !isWithin(address, MAPPED);
          const expected = isOpened || isPublic(address);
          expect([network, spelling, isAllowedAddress(spelling, list)]).toEqual([
            network,
            spelling,
            expected,
          ]);
        }
      }),
      { numRuns: 500 },
    );
  });
});
