import fc from 'fast-check';
import { expect, test } from 'vitest';
import { escapeUnseen, spellOutEscapes } from './escape-unseen.ts';

/** Controls and formats, by Unicode's own classes. */
const HARMFUL = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;
const anyText = fc.string({
  unit: fc.constantFrom(
    '\\',
    'u',
    '009b',
    '0',
    '9',
    'b',
    '"',
    '\u001b',
    '\u009b',
    '\u007f',
    '\u2028',
    '\u202e',
    'é',
  ),
});

test('escapes what is not seen, and changes no value', () => {
  expect(escapeUnseen(JSON.stringify({ a: '\u009b2J é\u2028' }))).toBe(String.raw`{"a":"\u009b2J é\u2028"}`);
  fc.assert(
    fc.property(anyText, (text) => {
      const line = escapeUnseen(JSON.stringify({ text }));
      expect(line).not.toMatch(HARMFUL);
      expect(JSON.parse(line)).toEqual({ text });
    }),
  );
});

test('leaves nothing of it to whoever parses the line and shows it', () => {
  const shown = (text: string) => JSON.parse(spellOutEscapes(escapeUnseen(JSON.stringify(text)))) as string;
  expect(shown('\u001b[2J \u009b2J')).toBe(String.raw`\u001b[2J \u009b2J`);
  expect(shown(String.raw`\u009b`)).toBe(String.raw`\u009b`);
  expect(shown('two\nlines "é" \\')).toBe('two\nlines "é" \\');
  fc.assert(
    fc.property(anyText, (text) => {
      expect(shown(text)).not.toMatch(HARMFUL);
    }),
  );
});
