import type { Logger } from 'pino';
import pino from 'pino';
import pretty from 'pino-pretty';
import type { Settings } from '../settings/settings.ts';
import { redact, redactUrlPassword } from './redact.ts';

/**
 * The process's logger: JSON lines to stdout (coloured text when stdout is a terminal) and, where
 * `settings.logFile` is set, JSON lines to that file too, reopened on SIGHUP so that logrotate works.
 * Writes are synchronous: the last line before a crash is the one that matters.
 * Secrets are redacted: fields by name at any depth (see `redact`), passwords in URLs anywhere in the line.
 */
export function createLogger(
  settings: Pick<Settings, 'logLevel' | 'logFile'>,
  { name }: { name: string },
): Logger {
  const stdout = process.stdout.isTTY
    ? pretty({ sync: true, ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss.l', singleLine: true })
    : pino.destination({ dest: 1, sync: true });
  const streams: pino.StreamEntry[] = [{ level: 'trace', stream: stdout }];
  if (settings.logFile !== null) {
    const file = pino.destination({ dest: settings.logFile, append: true, mkdir: true, sync: true });
    process.on('SIGHUP', () => file.reopen());
    streams.push({ level: 'trace', stream: file });
  }
  return createLoggerTo(streams.length > 1 ? pino.multistream(streams) : stdout, {
    name,
    level: settings.logLevel,
  });
}

/** As `createLogger`, writing to any stream: for tests and for programs that show their own output. */
export function createLoggerTo(
  stream: pino.DestinationStream,
  { name, level }: { name: string; level: Settings['logLevel'] },
): Logger {
  return pino(
    {
      name,
      level,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: redact,
      },
      hooks: { streamWrite: redactUrlPassword },
      serializers: { err: toLoggableError, error: toLoggableError },
    },
    stream,
  );
}

function toLoggableError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  // The serializer gives an instance of its own; spread makes it plain, so that redact looks inside.
  const plain: Record<string, unknown> = { ...pino.stdSerializers.err(error) };
  // PostgreSQL quotes the offending row or statement in these: an order's row holds personal data.
  for (const field of ['detail', 'where', 'internalQuery']) delete plain[field];
  return redact(plain);
}
