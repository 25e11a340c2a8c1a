import Type from 'typebox';
import { expect, test } from 'vitest';
import {
  Location,
  Money,
  optional,
  requiredText,
  Status,
  Timestamp,
  text,
} from '../schemas/common-schemas.ts';
import { compileFaultFinder } from './find-faults.ts';

const findFaults = compileFaultFinder(
  Type.Object({
    name: requiredText(5),
    location: Location,
    price: Type.Optional(Money),
    status: optional(Status),
    note: optional(text(3)),
    at: optional(Timestamp),
    count: optional(Type.Integer({ minimum: 1, maximum: 10 })),
    pair: optional(Type.Tuple([Type.Number(), Type.Number({ maximum: 3 })], { rule: 'must be [a, b]' })),
    items: optional(Type.Array(Type.Object({ title: requiredText(3) }), { minItems: 1, maxItems: 2 })),
    free: optional(Type.Record(Type.String(), Type.Unknown())),
  }),
  'body',
);

const VALID = { name: 'ab', location: { latitude: 1, longitude: 2 } };

test('says nothing of a value that fits, whatever else it holds', () => {
  const value = {
    ...VALID,
    price: 0.07,
    status: null,
    note: null,
    pair: [1, 2],
    free: { a: [1] },
    unknown: 1,
  };
  expect(findFaults(value)).toEqual([]);
});

test('lists every fault, missing fields first', () => {
  const value = {
    location: { latitude: 91 },
    price: '5',
    status: 'lost',
    note: 'long',
    at: 'today',
    items: [{}],
  };
  expect(findFaults(value)).toEqual([
    'name is required',
    'location.longitude is required',
    'items[0].title is required',
    'location.latitude must be a number between -90 and 90',
    'price must be a number between 0 and 9999999999.99 with at most 2 decimals',
    'status must be one of [pending, assigned, accepted, in_progress, payment_requested, payment_confirmed, arrival_confirmed, completed, cancelled]',
    'note must be a string of at most 3 characters',
    'at must be an RFC 3339 time such as 2026-01-31T12:00:00.000Z in the years 2000 to 2100',
  ]);
});

test.each([[undefined], [null], [''], [' \t\n']])('counts a required text of %j as missing', (name) => {
  expect(findFaults({ ...VALID, name })).toEqual(['name is required']);
});

test.each([
  [{ location: null }, 'location is required'],
  [{ location: [] }, 'location must be an object'],
  [{ location: { latitude: null, longitude: 2 } }, 'location.latitude is required'],
  [{ name: 5 }, 'name must be a string of at most 5 characters that is not blank'],
  [{ count: 1.5 }, 'count must be an integer between 1 and 10'],
  [{ pair: [1] }, 'pair must be [a, b]'],
  [{ pair: [1, 2, 3] }, 'pair must be [a, b]'],
  [{ pair: [1, 9] }, 'pair[1] must be a number of at most 3'],
  [{ items: [] }, 'items must be an array of 1 to 2 items'],
  [{ items: {} }, 'items must be an array of 1 to 2 items'],
  [{ free: [] }, 'free must be an object'],
])('says of %j: %s', (changes, fault) => {
  expect(findFaults({ ...VALID, ...changes })).toEqual([fault]);
});

test.each([null, 5, 'x', []])('says of %j that it is no object', (value) => {
  expect(findFaults(value).length).toBeGreaterThan(0);
});

test('finds more than eight', () => {
  const items = Array.from({ length: 40 }, () => ({}));
  expect(findFaults({ ...VALID, items })).toHaveLength(41);
});
