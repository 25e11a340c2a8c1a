import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { createSecretBox, SecretBoxError } from './secret-box.ts';

const ROW = '0190aaaaaaaabbbbbbbbcccc';

describe('createSecretBox', () => {
  const current = randomBytes(32);
  const box = createSecretBox({ current, previous: null });

  test.each(['test-customer-secret-1', '', 'Schlüssel 🔑'])('opens what it sealed: %j', (plain) => {
    expect(box.open(box.seal(plain, ROW), ROW)).toBe(plain);
  });

  test('seals the same text differently each time and without showing it', () => {
    const first = box.seal('test-customer-secret-1', ROW);
    expect(first).not.toBe(box.seal('test-customer-secret-1', ROW));
    expect(Buffer.from(first, 'utf8').includes('test-customer')).toBe(false);
  });

  test('refuses a text of another row', () => {
    const sealed = box.seal('test-customer-secret-1', ROW);
    expect(() => box.open(sealed, '0190aaaaaaaabbbbbbbbcccd')).toThrow(SecretBoxError);
  });

  test('refuses every text with one changed character', () => {
    const sealed = box.seal('test-customer-secret-1', ROW);
    // The last character is left out: its unused low bits may differ without changing a byte.
    const outcomes = Array.from(sealed.slice(0, -1), (character, index) => {
      const other = character === 'A' ? 'B' : 'A';
      try {
        return box.open(sealed.slice(0, index) + other + sealed.slice(index + 1), ROW);
      } catch (error) {
        return error;
      }
    });
    expect(outcomes.filter((outcome) => !(outcome instanceof SecretBoxError))).toEqual([]);
  });

  test.each(['', 'v1', 'plain text', 'v1.00000000.AAAA.AAAA', 'v2.a.b.c', 'v1.a.b.c.d'])(
    'refuses %j',
    (text) => {
      expect(() => box.open(text, ROW)).toThrow(SecretBoxError);
    },
  );

  test('reads texts of the previous key and seals with the current one', () => {
    const sealed = box.seal('test-customer-secret-1', ROW);
    const next = randomBytes(32);
    const rotated = createSecretBox({ current: next, previous: current });
    expect(rotated.open(sealed, ROW)).toBe('test-customer-secret-1');
    const resealed = rotated.seal('test-customer-secret-1', ROW);
    expect(createSecretBox({ current: next, previous: null }).open(resealed, ROW)).toBe(
      'test-customer-secret-1',
    );
    expect(() => box.open(resealed, ROW)).toThrow(/neither SECRETS_ENCRYPTION_KEY nor/);
  });

  test('refuses a key that has not 32 bytes', () => {
    expect(() => createSecretBox({ current: randomBytes(16), previous: null })).toThrow('32 bytes');
  });
});
