import { expect, test } from 'vitest';
import { readAuthorization } from './read-authorization.ts';

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
