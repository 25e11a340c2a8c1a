import { readFileSync } from 'node:fs';
import { ERROR_CODES } from '@vendor-server/domain/errors/error-codes.ts';
import { buildAnswerChapter } from './build-answer-chapter.ts';

/** Chapters of the introduction in the order in which they are read: files of `apps/api/docs`, or made from code. */
const CHAPTERS: readonly (string | (() => string))[] = [
  'overview',
  'statuses',
  'webhooks',
  buildAnswerChapter,
  'receivers',
  'testing',
  'secrets',
  'endpoint-states',
  'recovery',
  'retention',
  'production',
  'scale',
  errorTable,
];

/** What a reader of the API reference reads before the routes, as Markdown. */
export function readGuide(): string {
  const chapters = CHAPTERS.map((chapter) =>
    typeof chapter === 'string'
      ? readFileSync(new URL(`../../docs/${chapter}.md`, import.meta.url), 'utf8').trim()
      : chapter(),
  );
  return chapters.join('\n\n');
}

function errorTable(): string {
  const rows = Object.entries(ERROR_CODES).map(
    ([code, { status, message }]) => `| ${status} | \`${code}\` | ${message} |`,
  );
  return ['# Error codes', '', '| Status | Code | Meaning |', '|---|---|---|', ...rows].join('\n');
}
