/** The chapters that `/docs` begins with, held against the code that they describe. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ruleOf } from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import { decideAfterAttempt } from '@vendor-server/domain/deliveries/decide-after-attempt.ts';
import { toStatusReason } from '@vendor-server/domain/deliveries/status-reason.ts';
import {
  GONE_ORDERS,
  LOST_AFTER_FAILURES,
  LOST_AFTER_MS,
  WARNED_BEFORE_MS,
} from '@vendor-server/domain/endpoints/decide-disabling.ts';
import { PROBE_COOLDOWN } from '@vendor-server/domain/endpoints/decide-window.ts';
import {
  ENDPOINT_HEALTH_STATES,
  STRUGGLING_AFTER_FAILURES,
} from '@vendor-server/domain/endpoints/endpoint-health.ts';
import { HELD_TOO_LONG } from '@vendor-server/domain/endpoints/hold.ts';
import { ERROR_CODES } from '@vendor-server/domain/errors/error-codes.ts';
import { ORDER_STATUSES } from '@vendor-server/domain/orders/order-status.ts';
import { TRANSITIONS, type TransitionRule } from '@vendor-server/domain/orders/transition-table.ts';
import { describeSettings } from '@vendor-server/platform/settings/describe-settings.ts';
import { loadSettings } from '@vendor-server/platform/settings/load-settings.ts';
import { describe, expect, test } from 'vitest';

const DAY_MS = 86_400_000;
const root = path.resolve(import.meta.dirname, '../../../..');
const folder = path.join(root, 'apps/api/docs');
const chapters = readdirSync(folder).filter((name) => name.endsWith('.md'));
const read = (name: string) => readFileSync(path.join(folder, name), 'utf8');
const scripts = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).scripts as object;
const settings = describeSettings(loadSettings({})).map((line) => line.split('=', 1)[0]);

/** The cells of the first table after a heading, without its head. */
function readTable(name: string, heading: string): string[][] {
  const [, section = ''] = read(name).split(`${heading}\n`);
  const rows = section.split('\n').filter((line) => line.startsWith('|'));
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

const codesIn = (text: string) => Array.from(text.matchAll(/`([^`]+)`/g), ([, code]) => code ?? '');

test('there are chapters', () => {
  expect(chapters.length).toBeGreaterThan(5);
});

describe.each(chapters)('%s', (name) => {
  test('begins with its only title', () => {
    // What begins with a hash inside a block of commands is a comment.
    const text = read(name).replaceAll(/^```[^]*?^```$/gm, '');
    expect(text.match(/^# .+/gm)).toHaveLength(1);
    expect(text.startsWith('# ')).toBe(true);
  });

  test('names settings that there are', () => {
    const withoutPrograms = read(name).replaceAll(/^```(js|python)[^]*?^```$/gm, '');
    const named = Array.from(withoutPrograms.matchAll(/\b([A-Z]+(?:_[A-Z]+)+)\b/g), ([, setting]) => setting);
    const shellVariables = [
      'VENDOR_SERVER',
      'CUSTOMER_SECRET',
      'ORDER_ID',
      'DELIVERY_ID',
      'ENDPOINT_ID',
      'REPLAY_ID',
      'SIGNING_SECRET',
    ];
    const known = new Set([...settings, ...shellVariables, 'NODE_ENV']);
    expect(named.filter((setting) => !known.has(setting))).toEqual([]);
  });

  test('names scripts that there are', () => {
    const named = Array.from(read(name).matchAll(/npm (?:run )?([\w:]+)/g), ([, script]) => script ?? '');
    expect(named.filter((script) => !(script in scripts))).toEqual([]);
  });

  test('names files that there are', () => {
    const named = codesIn(read(name)).filter((code) => /^(apps|prisma)\//.test(code));
    expect(named.filter((file) => !existsSync(path.join(root, file)))).toEqual([]);
  });

  test('names error codes that there are, with their status', () => {
    const named = Array.from(read(name).matchAll(/\b(4\d\d|5\d\d)\s+`(\w+)`/g), ([, status, code]) => [
      status,
      code,
    ]);
    const known = Object.entries(ERROR_CODES).map(([code, { status }]) => [String(status), code]);
    for (const pair of named) expect(known).toContainEqual(pair);
  });
});

test.each(['signed-express-receiver.js', 'signed-fastify-receiver.js', 'signed-receiver.py'])(
  'receivers.md shows %s as it is tested',
  (file) => {
    const program = readFileSync(path.join(root, 'apps/e2e/src/guide', file), 'utf8');
    const language = file.endsWith('.py') ? 'python' : 'js';
    expect(read('receivers.md')).toContain(`\n\`\`\`${language}\n${program}\`\`\`\n`);
  },
);

describe('statuses.md', () => {
  const rows = readTable('statuses.md', '# What each status means');

  test('tells every status', () => {
    expect(rows.flatMap(([status]) => codesIn(status!)).sort()).toEqual([...ORDER_STATUSES].sort());
  });

  test('tells what can follow, but for the jumps of partners', () => {
    const rules: readonly TransitionRule[] = TRANSITIONS;
    for (const [status, , next] of rows) {
      const [from] = codesIn(status!);
      const followers = rules
        .filter((rule) => rule.action !== 'partner_report' && rule.from.some((each) => each === from))
        .map(({ to }) => to);
      expect(codesIn(next!).sort(), from).toEqual([...new Set(followers)].sort());
    }
  });

  test('tells what partners can report', () => {
    const rules: readonly TransitionRule[] = TRANSITIONS;
    const reported = rules.filter(({ action }) => action === 'partner_report').map(({ to }) => to);
    const [, sentence = ''] = read('statuses.md').split('from any status that is not final to');
    expect(codesIn(sentence.split('.')[0]!).sort()).toEqual(reported.sort());
  });
});

describe('webhooks.md', () => {
  const rows = readTable('webhooks.md', '## What your answer leads to');
  const what = (answer: string) => rows.find(([said]) => said?.startsWith(answer))?.[1];

  function follow(status: number, hasOtherSecret = false) {
    const reason = toStatusReason(status);
    const result = {
      outcome: ruleOf(reason).outcome,
      reason,
      responseStatus: status,
      retryAfter: null,
      responseExcerpt: null,
      durationMs: 1,
      error: null,
    } as const;
    const input = { result, budgetUsed: 1, retryDelaysMs: [1_000], hasOtherSecret, now: new Date() };
    return decideAfterAttempt(input).kind;
  }

  test.each([
    ['2xx', 'delivered', [200, 201, 204, 299]],
    ['408, 429, 5xx', 'retry', [408, 429, 500, 502, 503, 504, 599]],
    ['3xx', 'failed', [301, 302, 304, 307, 308]],
    ['any other 4xx', 'failed', [400, 401, 403, 404, 409, 410, 422, 425, 499]],
  ] as const)('says of %s what is decided: %s', (answer, kind, statuses) => {
    const said = { delivered: /^delivered/, retry: /^sent again/, failed: /^`failed` at once/ }[kind];
    expect(what(answer)).toMatch(said);
    for (const status of statuses) expect(follow(status), String(status)).toBe(kind);
  });

  test('says what 401 and 403 lead to during a rotation', () => {
    expect(what('401, 403 while')).toContain('once more at once');
    for (const status of [401, 403]) expect(follow(status, true)).toBe('retry_with_other_secret');
  });

  test('says the waits and the time-out that are the defaults', () => {
    const { webhookRetryDelaysMs, webhookTimeoutMs } = loadSettings({});
    expect(webhookRetryDelaysMs).toEqual([1_000, 2_000, 3_000]);
    expect(read('webhooks.md')).toContain('means after 1 s, 2 s and 3 s');
    expect(webhookTimeoutMs).toBe(10_000);
    expect(read('webhooks.md')).toContain('You have 10 s');
  });
});

describe('endpoint-states.md', () => {
  const text = read('endpoint-states.md').replaceAll('\n', ' ');

  test('tells every state of health', () => {
    const rows = readTable('endpoint-states.md', '# When your endpoint takes nothing');
    expect(rows.flatMap(([state]) => codesIn(state!))).toEqual([...ENDPOINT_HEALTH_STATES]);
  });

  test('tells the figures that hold', () => {
    const { firstMs, longestMs } = PROBE_COOLDOWN;
    for (const phrase of [
      `${STRUGGLING_AFTER_FAILURES} or more attempts in a row`,
      `every ${firstMs / 1_000} s to ${longestMs / 1_000} s`,
      `410 for ${GONE_ORDERS} different orders`,
      `nothing for ${LOST_AFTER_MS / DAY_MS} days in which it was open, and at least ${LOST_AFTER_FAILURES} attempts`,
      `held for ${loadSettings({}).webhookMaxHoldMs / DAY_MS} days`,
      `\`lastError\` \`${HELD_TOO_LONG}\``,
    ]) {
      expect(text).toContain(phrase);
    }
    expect(WARNED_BEFORE_MS).toBe(DAY_MS);
    expect(text).toContain('From a day before');
  });
});
