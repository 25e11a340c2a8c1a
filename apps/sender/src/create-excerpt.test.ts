import { expect, it } from 'vitest';
import { createExcerpt } from './create-excerpt.ts';

function excerptOf(...chunks: (string | number[])[]): string | null {
  const excerpt = createExcerpt();
  for (const chunk of chunks)
    excerpt.add(typeof chunk === 'string' ? Buffer.from(chunk) : Buffer.from(chunk));
  return excerpt.text();
}

it('is null without a body', () => {
  expect(excerptOf()).toBeNull();
  expect(excerptOf('')).toBeNull();
});

it('joins chunks, also within a character', () => {
  expect(excerptOf('a', [0xc3], [0xa9], 'b')).toBe('aéb');
});

it('keeps 1 KiB and no half characters', () => {
  expect(excerptOf('x'.repeat(1_000), 'y'.repeat(1_000))).toBe('x'.repeat(1_000) + 'y'.repeat(24));
  expect(excerptOf(`x${'é'.repeat(1_000)}`)).toBe(`x${'é'.repeat(511)}`);
});

it('replaces what is not UTF-8 and drops NUL', () => {
  expect(excerptOf('a\0', [0xff], 'b', [0xc3])).toBe('a\uFFFDb\uFFFD');
});
