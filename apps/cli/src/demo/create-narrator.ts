import { setTimeout as delay } from 'node:timers/promises';
import { styleText } from 'node:util';
import type { ReceivedWebhook } from './received-webhooks.ts';

/** Prints the demo for a person: what each caller does, and what reaches the customer's server, as it happens. */
export interface Narrator {
  title(): void;
  /** Something that takes a moment, or that has been reached. */
  note(text: string): void;
  /** Resolves after a moment in which the last one can be read. */
  chapter(text: string): Promise<void>;
  /** A request was sent: webhooks it causes are shown after its answer, whichever comes first. */
  calling(): void;
  /** One caller's request and its answer. */
  called(call: { who: string; what: string; status: number; result: string }): void;
  received(webhook: ReceivedWebhook): void;
  succeeded(lines: readonly string[]): void;
  failed(lines: readonly string[]): void;
}

const WHO_WIDTH = 16;
const WHAT_WIDTH = 50;

export function createNarrator(write: (text: string) => void, { pauseMs }: { pauseMs: number }): Narrator {
  const startedAt = performance.now();
  let chapters = 0;
  let openCalls = 0;
  const held: ReceivedWebhook[] = [];

  function line(text: string): void {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    write(`${styleText('dim', `${seconds.padStart(5)} s`)}  ${text}\n`);
  }

  function writeWebhook({ status, previousStatus, attempt, answeredWith }: ReceivedWebhook): void {
    const isTaken = answeredWith === 200;
    const before = previousStatus ?? 'created';
    const padding = ' '.repeat(Math.max(1, WHAT_WIDTH - before.length - status.length - 3));
    const answer = isTaken
      ? styleText('green', '✔ answered 200')
      : styleText('yellow', `✘ answered ${answeredWith}, will be sent again`);
    const retry = attempt > 1 ? styleText('magenta', `  attempt ${attempt}`) : '';
    line(
      `${styleText('magenta', '◀ webhook'.padEnd(WHO_WIDTH))}${before} → ${styleText('bold', status)}${padding}${answer}${retry}`,
    );
  }

  return {
    title() {
      write(`\n${styleText('bold', 'Vendor Server, one order from creation to completion')}\n`);
      write(
        `${styleText('dim', "Every status change reaches the customer's server: in order, also when that server fails.")}\n\n`,
      );
    },
    note(text) {
      line(styleText('dim', text));
    },
    async chapter(text) {
      if (pauseMs > 0) await delay(pauseMs);
      chapters += 1;
      write(`\n${styleText('bold', `${chapters}. ${text}`)}\n`);
    },
    calling() {
      openCalls += 1;
    },
    called({ who, what, status, result }) {
      const isRefused = status >= 400;
      line(
        `${styleText('cyan', who.padEnd(WHO_WIDTH))}${what.padEnd(WHAT_WIDTH)}` +
          `${styleText(isRefused ? 'yellow' : 'green', String(status))}  ${result}`,
      );
      openCalls -= 1;
      if (openCalls === 0) for (const webhook of held.splice(0)) writeWebhook(webhook);
    },
    received(webhook) {
      if (openCalls > 0) held.push(webhook);
      else writeWebhook(webhook);
    },
    succeeded(lines) {
      writeResult(styleText(['bold', 'green'], '✔'), lines);
    },
    failed(lines) {
      writeResult(styleText(['bold', 'red'], '✘'), lines);
    },
  };

  function writeResult(mark: string, [first = '', ...rest]: readonly string[]): void {
    write(`\n${mark} ${styleText('bold', first)}\n${rest.map((each) => `  ${each}\n`).join('')}\n`);
  }
}
