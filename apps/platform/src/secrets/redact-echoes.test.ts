import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { redactEchoes } from './redact-echoes.ts';

const SECRET = `9fQ"x<7&kV'2-test-customer-secret`;
const OTHER = 'whsec_c2lnbmluZy1rZXktb2YtYS10ZXN0';

function answeredWith(responseExcerpt: string | null): AttemptResult {
  return {
    outcome: 'rejected',
    reason: 'unauthorized',
    responseStatus: 401,
    responseExcerpt,
    retryAfter: null,
    error: 'The endpoint answered 401.',
    durationMs: 12,
  };
}

const OF_PHP = 'whsec_c2ln/bmlu+Zy1';

const redact = (text: string, secrets = [SECRET, OTHER, OF_PHP]) =>
  redactEchoes(answeredWith(text), secrets).responseExcerpt ?? '';

test.each([
  ['as it is', `got ${SECRET}, not ${OTHER}.`, 'got [redacted], not [redacted].'],
  ['in JSON', JSON.stringify({ secret: SECRET, n: 1 }), '{"secret":"[redacted]","n":1}'],
  ['in HTML', '<p>9fQ&quot;x&lt;7&amp;kV&#39;2-test-customer-secret</p>', '<p>[redacted]</p>'],
  ['in a URL', `?s=${encodeURIComponent(SECRET)}&n=1`, '?s=[redacted]&n=1'],
  ['in hex', `0x${Buffer.from(SECRET).toString('hex')}`, '0x[redacted]'],
  ['in hex of capitals', Buffer.from(SECRET).toString('hex').toUpperCase(), '[redacted]'],
  ['next to itself', SECRET + SECRET, '[redacted]'],
  ['in JSON by PHP', String.raw`{"key":"whsec_c2ln\/bmlu+Zy1"}`, '{"key":"[redacted]"}'],
  ['without its end', `${SECRET.slice(0, 22)}… is wrong`, '[redacted]… is wrong'],
  ['without its beginning', `…${SECRET.slice(-22)} is wrong`, '…[redacted] is wrong'],
  ['cut by the receiver', `cut: ${SECRET.slice(0, -1)}`, 'cut: [redacted]'],
  ['not at all', 'customer secret is wrong', 'customer secret is wrong'],
])('takes a secret out that is echoed %s', (_how, text, shown) => {
  expect(redact(text)).toBe(shown);
});

test('takes it out of base64 wherever it stands in what was encoded', () => {
  for (const encoding of ['base64', 'base64url'] as const) {
    for (const around of ['', 'a', 'ab', 'abc', 'headers: ']) {
      const shown = redact(Buffer.from(`${around}${SECRET}${around}`).toString(encoding));
      expect(Buffer.from(shown.replace('[redacted]', ''), encoding).toString()).not.toContain('test');
      // What stands around it, and at most one mixed character and one of padding at either side, is left.
      expect(shown.length, shown).toBeLessThan('[redacted]'.length + 2 * around.length * (4 / 3) + 6);
    }
  }
});

test.each([
  ['as it is', SECRET.slice(0, 4), ''],
  ['up to its last character', SECRET.slice(0, -1), ''],
  ['in JSON', JSON.stringify(SECRET).slice(0, 6), '"'],
  ['in hex', Buffer.from(SECRET).toString('hex').slice(0, 9), ''],
])('takes its beginning out where the limit cut it: %s', (_how, part, left) => {
  const head = 'é'.repeat(400);
  const text = `${head}${'x'.repeat(1_024 - 800 - part.length)}${part}`;
  expect(redact(text)).toBe(`${text.slice(0, -part.length)}${left}[redacted]`);
  // What was not cut ends with a word.
  expect(redact(`x${part}`)).toBe(part.length < 22 ? `x${part}` : 'x[redacted]');
});

test('takes it out also where the limit cut the character after it', () => {
  const text = `${'x'.repeat(1_015)}${SECRET.slice(0, 6)}`;
  expect(redact(text)).toBe(`${'x'.repeat(1_015)}[redacted]`);
});

test.each([
  '{"message":"customer-server ok"}',
  '{"message":"customer-secret missing"}',
  '<h1>502 Bad Gateway</h1> development-server',
  'no x-customer-secret in development',
  'unknown development customer: customer-secretary',
  'deve',
])('leaves words alone that a secret is made of: %s', (text) => {
  expect(redact(text, ['development-customer-secret', 'test-secret-of-a-customer'])).toBe(text);
});

test('leaves no telling part of a secret, wherever an answer is cut', () => {
  const secret = fc.stringMatching(/^[\x21-\x7e]{16,60}$/);
  const plain = fc.string({ maxLength: 40, unit: 'grapheme' });
  fc.assert(
    fc.property(secret, plain, plain, fc.nat(60), (echoed, before, after, cut) => {
      const text = (before + echoed + after).slice(0, before.length + cut);
      const full = ' '.repeat(Math.max(1_024 - Buffer.byteLength(text), 0)) + text;
      const shown = redact(full, [echoed]).replaceAll('[redacted]', '\n');
      const length = Math.max(12, Math.ceil((echoed.length * 2) / 3));
      for (let at = 0; at + length <= echoed.length; at += 1) {
        expect(shown.includes(echoed.slice(at, at + length))).toBe(false);
      }
      if (cut >= 4 && cut <= echoed.length) expect(shown.endsWith('\n')).toBe(true);
    }),
  );
});

test.each([null, ''])('leaves an answer without a body alone: %j', (excerpt) => {
  expect(redactEchoes(answeredWith(excerpt), [SECRET])).toEqual(answeredWith(excerpt));
});

test('an empty secret changes nothing', () => {
  expect(redact('as is', [''])).toBe('as is');
});
