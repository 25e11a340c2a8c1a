import fc from 'fast-check';
import Type from 'typebox';
import { Compile } from 'typebox/compile';
import { expect, test } from 'vitest';
import { PageQuery, toPage, toPageRequest } from './paging.ts';

const query = Compile(Type.Object(PageQuery));
const rows = Array.from({ length: 4 }, (_, index) => ({
  at: new Date(Date.UTC(2026, 0, 10 - index)),
  id: `0190aaaaaaaabbbbbbbbccc${index}`,
}));

test('a page that is followed by another ends with a cursor to it', () => {
  const { items, nextCursor } = toPage(rows, 3, (row) => row);
  expect(items).toEqual(rows.slice(0, 3));
  expect(query.Check({ cursor: nextCursor })).toBe(true);
  expect(toPageRequest({ cursor: nextCursor ?? '' })).toEqual({ limit: 50, after: rows[2] });
});

test.each([4, 5])('a last page of %i ends with null', (limit) => {
  expect(toPage(rows, limit, (row) => row)).toEqual({ items: rows, nextCursor: null });
});

test('an empty page ends with null', () => {
  expect(toPage([], 50, () => ({ at: new Date(), id: '' }))).toEqual({ items: [], nextCursor: null });
});

test('the first page starts nowhere', () => {
  expect(toPageRequest({})).toEqual({ limit: 50, after: null });
});

test('no text but a cursor is taken for one', () => {
  fc.assert(
    fc.property(fc.string(), (cursor) => {
      expect(query.Check({ cursor })).toBe(false);
    }),
  );
});

test.each(['99999999999.', '99999999999999.', '-1772323200000.', '1772323200000'])(
  'no time of %s… is taken for a cursor',
  (time) => {
    const cursor = Buffer.from(`${time}0190aaaaaaaabbbbbbbbcccc`).toString('base64url');
    expect(query.Check({ cursor })).toBe(false);
  },
);

test.each([0, 201, 1.5, -1])('a limit of %d is refused', (limit) => {
  expect(query.Check({ limit })).toBe(false);
});
