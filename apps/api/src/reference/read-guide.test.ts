import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { readGuide } from './read-guide.ts';

test('every file of the guide is a chapter of it', () => {
  const folder = new URL('../../docs/', import.meta.url);
  const files = readdirSync(folder);
  expect(files.length).toBeGreaterThan(5);
  for (const file of files) {
    expect(readGuide()).toContain(readFileSync(new URL(file, folder), 'utf8').trim());
  }
});
