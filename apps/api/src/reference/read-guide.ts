import { readFileSync } from 'node:fs';
import { ERROR_CODES } from '@vendor-server/domain/errors/error-codes.ts';

/** Chapters of the introduction, in the order in which they are read; the files of `apps/api/docs`. */
const CHAPTERS = [
  'overview',
  'statuses',
  'webhooks',
  'receivers',
  'testing',
  'secrets',
  'endpoint-states',
  'recovery',
  'production',
];

/** What a reader of the API reference reads before the routes, as Markdown. */
export function readGuide(): string {
  const chapters = CHAPTERS.map((name) =>
    readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), 'utf8').trim(),
  );
  return [...chapters, errorTable()].join('\n\n');
}

function errorTable(): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { status, message }]) => `| ${status} | \`${code}\` | ${message} |`,
  );
  return ['# Error codes', '', '| Status | Code | Meaning |', '|---|---|---|', ...rows].join('\n');
}
