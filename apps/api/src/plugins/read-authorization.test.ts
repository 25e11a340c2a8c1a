import { expect, test } from 'vitest';
import { isOperatorName, readAuthorization } from './read-authorization.ts';

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

test.each([
  ['Bearer test-key-1', { scheme: 'bearer', secret: 'test-key-1' }],
  ['bearer   test-key-1  ', { scheme: 'bearer', secret: 'test-key-1' }],
  [basic('admin:test-key-1'), { scheme: 'basic', user: 'admin', secret: 'test-key-1' }],
  [basic('admin:a:b'), { scheme: 'basic', user: 'admin', secret: 'a:b' }],
  [basic('admin'), { scheme: 'basic', user: 'admin', secret: '' }],
  ['Basic %%%', { scheme: 'basic', user: '', secret: '' }],
])('reads %j', (header, expected) => {
  expect(readAuthorization(header)).toEqual(expected);
});

test.each([undefined, '', 'Bearer', 'Bearer ', 'Bearer a b', 'Digest x', 'test-key-1'])(
  'ignores %j',
  (header) => {
    expect(readAuthorization(header)).toBeNull();
  },
);

test.each(['Example Operator', 'Example Operatör Ö.', 'night shift 2', 'x'.repeat(100)])(
  '%j is a name',
  (name) => {
    expect(isOperatorName(name)).toBe(true);
  },
);

test.each(['', 'x'.repeat(101), 'a\nb', 'a\0b', '\u007f', '\ufffd', '\ud800'])('%j is no name', (name) => {
  expect(isOperatorName(name)).toBe(false);
});
