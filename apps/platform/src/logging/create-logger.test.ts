import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { SettingsError } from '../settings/settings-error.ts';
import { createLogger, createLoggerTo } from './create-logger.ts';
import { openLogFile } from './open-log-file.ts';
import { redactUrlPassword } from './redact.ts';

function createCapture() {
  const lines: string[] = [];
  const logger = createLoggerTo(
    { write: (line: string) => void lines.push(line) },
    { name: 'test', level: 'info' },
  );
  return { logger, lines, last: () => JSON.parse(lines.at(-1) ?? '{}') as Record<string, unknown> };
}

test('writes JSON lines with name, level label and ISO time', () => {
  const { logger, last } = createCapture();
  logger.info({ orderId: '0190aaaaaaaabbbbbbbbcccc' }, 'Order created');
  expect(last()).toMatchObject({
    level: 'info',
    name: 'test',
    msg: 'Order created',
    orderId: '0190aaaaaaaabbbbbbbbcccc',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
  });
});

test('leaves out what PostgreSQL quotes of a row, which may be personal data', () => {
  const { logger, lines } = createCapture();
  const quoted = 'Failing row contains (Example Customer, +910000000001).';
  const error = Object.assign(new Error('violates check'), { code: '23514', detail: quoted, where: quoted });
  logger.error({ err: error }, 'Request failed');
  logger.error(error);
  expect(lines.join('')).toContain('23514');
  expect(lines.join('')).not.toContain('Example Customer');
});

test('redacts secrets by name at any depth, also in errors and messages', () => {
  const { logger, lines } = createCapture();
  const secret = 'test-secret-value';
  const error = Object.assign(new Error(`connect postgres://user:${secret}@db/x failed`), {
    options: { headers: { Authorization: `Bearer ${secret}` } },
    password: secret,
  });
  logger.info(
    {
      'x-customer-secret': secret,
      apiKey: secret,
      request: { headers: [{ 'X-Vendor-Server-Secret': secret, cookie: [secret] }] },
      a: { b: { c: { d: { signingSecret: secret, ADMIN_API_KEY: secret } } } },
      url: `redis://:${secret}@localhost:6379`,
      err: error,
    },
    'Something',
  );
  logger.error(error);
  expect(lines).toHaveLength(2);
  expect(lines.join('')).not.toContain(secret);
});

test.each([
  'x-vendor-server-secret',
  'password',
  'passwd',
  'Authorization',
  'set-cookie',
  'apiKey',
  'api-key',
  'ADMIN_API_KEY',
  'secretsEncryptionKey',
  'credentials',
  'token',
])('redacts what is called %s', (name) => {
  const { logger, last } = createCapture();
  logger.info({ [name]: 'test-value', of: [{ [name]: ['test-value'] }] }, 'Something');
  expect(last()).toMatchObject({ [name]: '[redacted]', of: [{ [name]: '[redacted]' }] });
});

test('leaves what is no secret', () => {
  const { logger, last } = createCapture();
  logger.info({
    sendSharedSecret: true,
    at: new Date(0),
    tokens: [1, 2],
    url: 'https://a.example.com/x?y=1',
    gone: null,
  });
  expect(last()).toMatchObject({
    sendSharedSecret: true,
    at: '1970-01-01T00:00:00.000Z',
    tokens: [1, 2],
    url: 'https://a.example.com/x?y=1',
    gone: null,
  });
});

test('survives a cycle', () => {
  const { logger, lines } = createCapture();
  const loop: Record<string, unknown> = {};
  loop['self'] = loop;
  logger.info({ loop }, 'Cycle');
  expect(lines).toHaveLength(1);
});

test.each([
  ['postgres://user:test-pw@host/db', 'postgres://user:[redacted]@host/db'],
  ['redis://:test-pw@host', 'redis://:[redacted]@host'],
  ['failed: amqp://u:test-pw@h and https://h:443/x', 'failed: amqp://u:[redacted]@h and https://h:443/x'],
  ['redis://:test@pw@host/3, x@y', 'redis://:[redacted]@host/3, x@y'],
  ['postgres://host/db?user=u&password=test-pw&ssl=1', 'postgres://host/db?user=u&password=[redacted]&ssl=1'],
  ['http://host:80/a@b', 'http://host:80/a@b'],
  ['{"url":"http://host","mail":"a@b"}', '{"url":"http://host","mail":"a@b"}'],
  ['no url', 'no url'],
])('redactUrlPassword(%j)', (text, expected) => {
  expect(redactUrlPassword(text)).toBe(expected);
});

test('writes to the log file too, and to a new one after SIGHUP', () => {
  const directory = mkdtempSync(join(tmpdir(), 'vendor-server-log-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const logFile = join(directory, 'logs', 'vendor-server.log');
  const before = process.listeners('SIGHUP');
  const logger = createLogger({ logLevel: 'info', logFile }, { name: 'test' });
  const added = process.listeners('SIGHUP').filter((listener) => !before.includes(listener));
  onTestFinished(() => added.forEach((listener) => void process.removeListener('SIGHUP', listener)));

  logger.info('first');
  renameSync(logFile, `${logFile}.1`);
  expect(added).toHaveLength(1);
  added[0]?.('SIGHUP');
  logger.info('second');

  expect(readFileSync(`${logFile}.1`, 'utf8')).toContain('"msg":"first"');
  expect(readFileSync(logFile, 'utf8')).toContain('"msg":"second"');
  expect(readFileSync(logFile, 'utf8')).not.toContain('first');
});

test('writes text for people to a terminal, and JSON to the file all the same', () => {
  const directory = mkdtempSync(join(tmpdir(), 'vendor-server-log-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const logFile = join(directory, 'vendor-server.log');
  const fixture = fileURLToPath(new URL('./terminal-log.fixture.ts', import.meta.url));
  const shown = execFileSync(process.execPath, [fixture, logFile], { encoding: 'utf8' });
  expect(shown).toMatch(
    /^\[\d\d:\d\d:\d\d\.\d{3}\] INFO \(fixture\): Order created \{.*"apiKey":"\[redacted\]"\}$/m,
  );
  const written = readFileSync(logFile, 'utf8');
  const [created = '', failed = ''] = written.split('\n');
  expect(JSON.parse(created)).toMatchObject({ level: 'info', msg: 'Order created' });
  // What comes from outside commands neither this terminal nor that of whoever reads the file.
  expect((shown + written).replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}]/u);
  expect(JSON.parse(failed)).toMatchObject({ responseExcerpt: '\u009b2J\u001b[2J\u2028\u202e' });
});

test('a log file that cannot be written is a faulty setting', () => {
  const create = () => createLogger({ logLevel: 'info', logFile: '/dev/null/x.log' }, { name: 'test' });
  expect(create).toThrow(SettingsError);
  expect(create).toThrow(/LOG_FILE \/dev\/null\/x\.log cannot be written: (EEXIST|ENOTDIR)/);
});

test('a log file that cannot be reopened is written on, and reopened when it can be', () => {
  const directory = mkdtempSync(join(tmpdir(), 'vendor-server-log-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const logFile = join(directory, 'logs', 'vendor-server.log');
  const file = openLogFile(logFile);
  file.stream.write('first\n');
  renameSync(join(directory, 'logs'), join(directory, 'moved'));
  writeFileSync(join(directory, 'logs'), 'in the way');
  expect(() => file.reopen()).toThrow(/EEXIST|ENOTDIR/);
  file.stream.write('second\n');
  expect(readFileSync(join(directory, 'moved', 'vendor-server.log'), 'utf8')).toBe('first\nsecond\n');
  rmSync(join(directory, 'logs'));
  file.reopen();
  file.stream.write('third\n');
  expect(readFileSync(logFile, 'utf8')).toBe('third\n');
});
