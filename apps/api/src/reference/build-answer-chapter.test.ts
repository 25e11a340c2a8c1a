import { ATTEMPT_REASON_CODES } from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import { expect, test } from 'vitest';
import { buildAnswerChapter } from './build-answer-chapter.ts';
import { readGuide } from './read-guide.ts';

const rows = buildAnswerChapter()
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| your server'))
  .map((line) => line.split('|').map((cell) => cell.trim()));
const rowOf = (reason: string) => rows.find(([, , code]) => code === `\`${reason}\``);

test('tells of every reason once, in five cells', () => {
  const codes = rows.flatMap(([, , code]) => code ?? []);
  expect(codes.toSorted()).toEqual(ATTEMPT_REASON_CODES.map((reason) => `\`${reason}\``).toSorted());
  expect(rows.filter((cells) => cells.length !== 7 || cells.slice(1, -1).includes(''))).toEqual([]);
});

test.each([
  ['accepted', '2xx', 'delivered', 'grows'],
  ['redirect_not_followed', '3xx', '`failed` at once', 'stays'],
  ['unauthorized', '401, 403', '`failed` at once, unless a secret is being rotated', 'stays'],
  ['too_many_requests', '429', 'sent again, not before `Retry-After`', 'halved'],
  ['server_error', 'any other 5xx', 'sent again', 'halved if many'],
  ['interrupted', expect.any(String), 'sent again, at no cost', 'stays'],
])('says of %s what is decided', (reason, when, follows, window) => {
  expect(rowOf(reason)?.slice(1, 5)).toEqual([when, `\`${reason}\``, follows, window]);
});

test('is a chapter of the guide', () => {
  expect(readGuide()).toContain(buildAnswerChapter());
});
