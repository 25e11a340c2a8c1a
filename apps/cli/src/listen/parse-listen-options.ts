import { parseArgs } from 'node:util';
import { signWebhook } from '@vendor-server/domain/webhooks/sign-webhook.ts';

export interface ListenOptions {
  host: string;
  port: number;
  /** What `x-vendor-server-secret` must be; null means that it is not looked at. */
  secret: string | null;
  /** `whsec_…`; null means that the signature is not looked at. */
  signingSecret: string | null;
  /** What requests are answered with. */
  status: number;
  /** How long an answer is held back. */
  delayMs: number;
  /** Only the first so many requests get `status` and `delayMs`, later ones 200 at once; null means all. */
  times: number | null;
}

export const LISTEN_USAGE = `Receives webhooks and prints them.

  npm run listen -- --port 4000 --secret <customer server's secret>

  --port <number>            where to listen (default 4000; 0 takes a free port)
  --host <address>           default 127.0.0.1
  --secret <text>            check x-vendor-server-secret; answer 401 when it is another
  --signing-secret <whsec_…> check webhook-signature; answer 401 when it does not match
  --status <200-599>         answer with this status (default 200)
  --delay <milliseconds>     answer after this time (default 0)
  --times <count>            only the first <count> requests get --status and --delay, later ones 200 at once
`;

/** The command line cannot be used. */
export class ListenUsageError extends Error {
  override readonly name = 'ListenUsageError';
}

/**
 * Reads the command line of `npm run listen`; null when help was asked for.
 * @throws ListenUsageError with a sentence about what is wrong.
 */
export function parseListenOptions(args: readonly string[]): ListenOptions | null {
  const values = readValues(args);
  if (values.help) return null;
  return {
    host: values.host ?? '127.0.0.1',
    port: toInteger('--port', values.port ?? '4000', 0, 65_535),
    secret: values.secret ?? null,
    signingSecret: toSigningSecret(values['signing-secret'] ?? null),
    status: toInteger('--status', values.status ?? '200', 200, 599),
    delayMs: toInteger('--delay', values.delay ?? '0', 0, 3_600_000),
    times: values.times === undefined ? null : toInteger('--times', values.times, 1, 1_000_000),
  };
}

function readValues(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        host: { type: 'string' },
        port: { type: 'string' },
        secret: { type: 'string' },
        'signing-secret': { type: 'string' },
        status: { type: 'string' },
        delay: { type: 'string' },
        times: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }).values;
  } catch (cause) {
    throw new ListenUsageError(cause instanceof Error ? cause.message : String(cause), { cause });
  }
}

function toSigningSecret(value: string | null): string | null {
  try {
    if (value !== null) signWebhook([value], 'id', 0, '');
    return value;
  } catch (cause) {
    throw new ListenUsageError('--signing-secret must be a signing secret as it was shown: whsec_…', {
      cause,
    });
  }
}

function toInteger(name: string, value: string, min: number, max: number): number {
  const number = Number(value);
  if (/^\d+$/.test(value) && number >= min && number <= max) return number;
  throw new ListenUsageError(`${name} must be an integer from ${min} to ${max}, not "${value}".`);
}
