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

test('links lead to headings of the guide, in the words of the page', () => {
  const guide = readGuide();
  const headings = Array.from(
    guide.matchAll(/^#+ (.+)$/gm),
    ([, heading]) => `#description/${toSlug(heading!)}`,
  );
  const links = Array.from(guide.matchAll(/\]\((#[^)]*)\)/g), ([, link]) => link!);
  expect(links.length).toBeGreaterThan(0);
  expect(links.filter((link) => !headings.includes(link))).toEqual([]);
});

function toSlug(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .replaceAll(' ', '-');
}
