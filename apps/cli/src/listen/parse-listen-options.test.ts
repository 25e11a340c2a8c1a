import { expect, test } from 'vitest';
import { ListenUsageError, parseListenOptions } from './parse-listen-options.ts';

test('has a default for everything', () => {
  expect(parseListenOptions([])).toEqual({
    host: '127.0.0.1',
    port: 4000,
    secret: null,
    signingSecret: null,
    status: 200,
    delayMs: 0,
    times: null,
  });
});

test('reads every option', () => {
  const signingSecret = `whsec_${Buffer.alloc(24, 1).toString('base64')}`;
  const line = `--host ::1 --port 0 --secret test-1 --signing-secret ${signingSecret} --status 503 --delay 2000 --times 2`;
  expect(parseListenOptions(line.split(' '))).toEqual({
    host: '::1',
    port: 0,
    secret: 'test-1',
    signingSecret,
    status: 503,
    delayMs: 2000,
    times: 2,
  });
});

test('--help is no options', () => {
  expect(parseListenOptions(['--help'])).toBeNull();
});

test.each([
  ['--port', '70000'],
  ['--port', 'http'],
  ['--status', '199'],
  ['--delay', '-1'],
  ['--times', '0'],
  ['--signing-secret', 'whsec_short'],
  ['--colour', 'red'],
  ['surplus', '1'],
])('refuses %s %s', (...args) => {
  expect(() => parseListenOptions(args)).toThrow(ListenUsageError);
});
