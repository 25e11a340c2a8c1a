/** An address as a number: what the tests reckon with, in place of the library that the code uses. */
export interface AddressNumber {
  readonly bits: 32 | 128;
  readonly value: bigint;
}

/** A block of addresses, both ends included. */
export interface AddressRange {
  readonly bits: 32 | 128;
  readonly first: bigint;
  readonly last: bigint;
}

const OCTET_BITS = 8n;
const GROUP_BITS = 16n;

/** The block of a CIDR whose address is dotted decimal or hexadecimal groups, at most once shortened by `::`. */
export function toRange(cidr: string): AddressRange {
  const [address = '', length = ''] = cidr.split('/');
  const bits = address.includes(':') ? 128 : 32;
  const value = address.includes(':') ? readGroups(address) : readOctets(address);
  const hostBits = BigInt(bits - Number(length));
  const first = (value >> hostBits) << hostBits;
  return { bits, first, last: first + (1n << hostBits) - 1n };
}

export function isWithin({ bits, value }: AddressNumber, range: AddressRange): boolean {
  return bits === range.bits && value >= range.first && value <= range.last;
}

/** Dotted decimal. */
export function toDotted(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
}

/** All eight groups, as in `2001:db8:0:0:0:0:0:1`. */
export function toGroups(value: bigint): string[] {
  return Array.from({ length: 8 }, (_, index) =>
    ((value >> (GROUP_BITS * BigInt(7 - index))) & 0xffffn).toString(16),
  );
}

/** The ways to write an address that a resolver or the URL parser may hand over. */
export function toSpellings({ bits, value }: AddressNumber): string[] {
  if (bits === 32) return [toDotted(value)];
  const groups = toGroups(value);
  const full = groups.join(':');
  const padded = groups.map((group) => group.padStart(4, '0')).join(':');
  const dotted = toDotted(value & 0xffff_ffffn);
  const withDottedTail = [groups.slice(0, 6).join(':'), shorten(groups.slice(0, 6))].map((head) =>
    head.endsWith(':') ? `${head}${dotted}` : `${head}:${dotted}`,
  );
  return [full, full.toUpperCase(), padded, shorten(groups), ...withDottedTail, `${full}%eth0`];
}

/** The first longest run of zero groups as `::` (RFC 5952). */
function shorten(groups: readonly string[]): string {
  const text = groups.join(':');
  const runs = [...text.matchAll(/(?<![0-9a-f])0(?::0)+(?![0-9a-f])/g)];
  const longest = runs.toSorted((a, b) => b[0].length - a[0].length)[0];
  if (longest === undefined) return text;
  const before = text.slice(0, longest.index).replace(/:$/, '');
  const after = text.slice(longest.index + longest[0].length).replace(/^:/, '');
  return `${before}::${after}`;
}

function readOctets(address: string): bigint {
  return address.split('.').reduce((value, octet) => (value << OCTET_BITS) | BigInt(octet), 0n);
}

function readGroups(address: string): bigint {
  const [head = '', tail] = address.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(8 - before.length - after.length).fill('0');
  const groups = [...before, ...(tail === undefined ? [] : zeros), ...after];
  return groups.reduce((value, group) => (value << GROUP_BITS) | BigInt(`0x${group}`), 0n);
}
