import { expect, test } from 'vitest';
import { findJsonFaults } from './find-json-faults.ts';

const NUL = 'must not contain NUL characters';
const SURROGATE = 'must be well-formed Unicode, without lone surrogates';

test.each([
  ['a text with NUL', '{"a":"x\\u0000"}', [`a ${NUL}`]],
  ['a lone surrogate', '{"a":{"b":["x","\\ud800"]}}', [`a.b[1] ${SURROGATE}`]],
  ['a lone low surrogate', '{"a":"\\udc00 x"}', [`a ${SURROGATE}`]],
  ['a field name with NUL', '{"a":{"k\\u0000":1}}', [`a.k\0 is a field name that ${NUL}`]],
  ['a field name with a lone surrogate', '{"k\\udfff":1}', [`k\udfff is a field name that ${SURROGATE}`]],
  [
    'a number beyond the range',
    '{"a":1e309,"b":[-1e309]}',
    ['a must be a finite number', 'b[0] must be a finite number'],
  ],
  ['__proto__', '{"__proto__":{"x":1}}', ['__proto__ is not an allowed field name']],
  ['__proto__ deep inside', '{"a":[{"__proto__":null}]}', ['a[0].__proto__ is not an allowed field name']],
])('finds %s', (_name, json, faults) => {
  expect(findJsonFaults(JSON.parse(json))).toEqual(faults);
});

test.each([
  ['pairs of surrogates', '{"a":"\\ud83d\\ude00"}'],
  ['every kind of value', '{"a":null,"b":true,"c":1.5,"d":"","e":[],"f":{}}'],
  ['field names that only look dangerous', '{"constructor":{"prototype":1},"prototype":2,"toString":3}'],
  ['32 levels', `${'{"a":'.repeat(31)}{}${'}'.repeat(31)}`],
])('accepts %s', (_name, json) => {
  expect(findJsonFaults(JSON.parse(json))).toEqual([]);
});

test.each([33, 10_000, 100_000])('refuses %i levels without running out of stack', (depth) => {
  const document = JSON.parse(`{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`);
  expect(findJsonFaults(document)).toEqual(['body must not be nested deeper than 32 levels']);
});

test('stops after 20 faults and cuts long paths', () => {
  const faults = findJsonFaults({ ['k'.repeat(1000)]: Array.from({ length: 100 }, () => '\0') });
  expect(faults).toHaveLength(20);
  for (const fault of faults) expect(fault.length).toBeLessThan(300);
});
