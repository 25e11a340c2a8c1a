import type { Logger } from 'pino';
import pino from 'pino';
import pretty from 'pino-pretty';
import type { Settings } from '../settings/settings.ts';
import { escapeUnseen, spellOutEscapes } from './escape-unseen.ts';
import { openLogFile } from './open-log-file.ts';
import { redact, redactUrlPassword } from './redact.ts';

/**
 * The process's logger: JSON lines to stdout (coloured text when stdout is a terminal) and, where
 * `settings.logFile` is set, JSON lines to that file too, reopened on SIGHUP so that logrotate works.
 * Writes are synchronous: the last line before a crash is the one that matters.
 * Secrets are redacted: fields by name at any depth (see `redact`), passwords in URLs anywhere in the line. What is not
 * seen when it is shown, such as a command to the terminal, is escaped.
 *
 * @throws SettingsError when the log file cannot be written
 */
export function createLogger(
  settings: Pick<Settings, 'logLevel' | 'logFile'>,
  { name }: { name: string },
): Logger {
  const stdout = process.stdout.isTTY ? createTerminalStream() : pino.destination({ dest: 1, sync: true });
  const options = { name, level: settings.logLevel };
  const { logFile } = settings;
  if (logFile === null) return createLoggerTo(stdout, options);

  const file = openLogFile(logFile);
  const streams = [stdout, file.stream].map((stream) => ({ level: 'trace' as const, stream }));
  const logger = createLoggerTo(pino.multistream(streams), options);
  process.on('SIGHUP', () => {
    try {
      file.reopen();
    } catch (error) {
      // A mistake in a logrotate configuration must not stop deliveries.
      logger.error({ err: error, logFile }, 'Log file could not be reopened; the old one is still written');
    }
  });
  return logger;
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
      hooks: { streamWrite: (line) => escapeUnseen(redactUrlPassword(line)) },
      serializers: { err: toLoggableError, error: toLoggableError },
    },
    stream,
  );
}

function createTerminalStream(): pino.DestinationStream {
  const stream = pretty({
    sync: true,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
    singleLine: true,
  });
  return { write: (line) => void stream.write(spellOutEscapes(line)) };
}

function toLoggableError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  // The serializer gives an instance of its own; spread makes it plain, so that redact looks inside.
  const plain: Record<string, unknown> = { ...pino.stdSerializers.err(error) };
  // PostgreSQL quotes the offending row or statement in these: an order's row holds personal data.
  for (const field of ['detail', 'where', 'internalQuery']) delete plain[field];
  return redact(plain);
}
