import type { IncomingHttpHeaders } from 'node:http';
import { styleText } from 'node:util';
import type { CheckResult, WebhookChecks } from './check-webhook.ts';

export interface ReceivedWebhook {
  /** Counted from 1. */
  number: number;
  receivedAt: Date;
  method: string;
  url: string;
  headers: IncomingHttpHeaders;
  body: string;
  checks: WebhookChecks;
  /** What it is answered with. */
  status: number;
  delayMs: number;
}

/** A received webhook in a few lines for a person: what it says, whether to believe it, how it is answered. */
export function describeWebhook(webhook: ReceivedWebhook): string {
  const { headers, checks } = webhook;
  const time = webhook.receivedAt.toTimeString().slice(0, 8);
  const attempt = headers['x-webhook-attempt'];
  const lines = [
    `${styleText('dim', time)} ${styleText('bold', `#${webhook.number}`)} ${describeContent(webhook)}`,
    detail('event', [
      headers['x-webhook-event'] ?? 'none',
      attempt && `attempt ${String(attempt)}`,
      headers['webhook-id'],
    ]),
    detail('checks', [
      `secret ${describeCheck(checks.secret)}`,
      `signature ${describeCheck(checks.signature)}`,
      `timestamp ${describeCheck(checks.timestamp)}`,
    ]),
    detail('answer', [describeStatus(webhook.status), webhook.delayMs > 0 && `after ${webhook.delayMs} ms`]),
  ];
  return `${lines.join('\n')}\n`;
}

function describeContent({ method, url, body }: ReceivedWebhook): string {
  const content = parseObject(body);
  if (typeof content['orderId'] !== 'string') {
    return `${method} ${url} ${styleText('dim', body.length > 200 ? `${body.slice(0, 200)}…` : body)}`;
  }
  const previous = typeof content['previousStatus'] === 'string' ? `${content['previousStatus']} → ` : '';
  const version =
    typeof content['version'] === 'number' ? styleText('dim', ` (version ${content['version']})`) : '';
  return `order ${content['orderId']}: ${previous}${styleText(['bold', 'cyan'], String(content['status']))}${version}`;
}

function detail(label: string, parts: readonly unknown[]): string {
  return `         ${styleText('dim', label.padEnd(8))}${parts.filter(Boolean).join(styleText('dim', ' · '))}`;
}

function describeCheck(result: CheckResult): string {
  if (result === 'right') return styleText('green', '✓');
  return result === 'not checked' ? styleText('dim', result) : styleText('red', `✗ ${result}`);
}

function describeStatus(status: number): string {
  return styleText(status < 300 ? 'green' : 'yellow', String(status));
}

function parseObject(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
