import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRetryAfter } from './retry-after.ts';

const NOW = new Date('2023-12-04T10:30:00.000Z');
const HOUR_MS = 3_600_000;

describe('parseRetryAfter', () => {
  it.each([
    ['0', 0],
    ['120', 120_000],
    [' 7 ', 7000],
    ['3600', HOUR_MS],
    ['3601', HOUR_MS],
    ['9'.repeat(400), HOUR_MS],
    ['Mon, 04 Dec 2023 10:31:30 GMT', 90_000],
    ['Monday, 04-Dec-23 10:31:30 GMT', 90_000],
    ['Mon Dec  4 10:31:30 2023', 90_000],
    ['Tue, 05 Dec 2023 10:30:00 GMT', HOUR_MS],
    ['Mon, 04 Dec 2023 10:29:00 GMT', 0],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 0],
    ['Sun Nov  6 08:49:37 1994', 0],
  ])('reads %j as %i ms', (value, expected) => {
    expect(parseRetryAfter(value, NOW)).toBe(expected);
  });

  it.each([
    null,
    '',
    'soon',
    '-5',
    '+5',
    '1.5',
    '1e3',
    '0x10',
    '5, 10',
    'banana 1',
    '2023-12-04T10:31:30.000Z',
    'Mon, 04 Dec 2023 10:31:30',
    'Mon, 04 Dec 2023 10:31:30 PST',
    'Mon, 31 Nov 2023 10:31:30 GMT',
    'Mon, 00 Dec 2023 10:31:30 GMT',
    'Mon, 04 Dec 2023 24:00:00 GMT',
    'Mon, 04 Dec 2023 10:60:00 GMT',
  ])('makes nothing of %j', (value) => {
    expect(parseRetryAfter(value, NOW)).toBeNull();
  });

  it('agrees with the usual form of a date up to an hour ahead', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3600 }), (seconds) => {
        const date = new Date(NOW.getTime() + seconds * 1000).toUTCString();
        expect(parseRetryAfter(date, NOW)).toBe(seconds * 1000);
      }),
    );
  });

  it('stays between nothing and an hour whatever it is given', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.nat().map(String)), (value) => {
        const waitMs = parseRetryAfter(value, NOW);
        expect(waitMs === null || (waitMs >= 0 && waitMs <= HOUR_MS)).toBe(true);
      }),
    );
  });
});
