import { setTimeout as delay } from 'node:timers/promises';
import { inspect } from 'node:util';
import type { ApiAnswer, AskedChange, Got } from '../../history/history.ts';
import { clockNow } from '../../receiver/received-request.ts';
import type { Answer } from '../../system/create-caller.ts';

/** Calls the API for somebody who wants to know, and writes down what came of each call. */
export interface Teller {
  readonly answers: readonly ApiAnswer[];
  /** How many changes were promised so far. */
  readonly promised: number;
  /** Asks once. */
  ask<Data>(asked: ApiAnswer['asked'], call: () => Promise<Answer<Data>>): Promise<Got>;
  /** Asks again and again until the API says what it did, or until `signal`. */
  askUntilKnown(
    asked: AskedChange,
    call: () => Promise<Answer<OrderFacts>>,
    signal: AbortSignal,
  ): Promise<Got>;
}

/** What every answer to a change shows of its order; a creation's shows no version. */
export interface OrderFacts {
  readonly orderId: string;
  readonly status: string;
  readonly version?: number;
}

const PAUSE_MS = 100;

export function createTeller(): Teller {
  const answers: ApiAnswer[] = [];
  let promised = 0;

  async function ask<Data>(asked: ApiAnswer['asked'], call: () => Promise<Answer<Data>>): Promise<Got> {
    const begunAt = clockNow();
    // A connection that was refused or cut says nothing of what became of the request.
    const got = await call().then(
      (answer) => toGot(asked, answer),
      (error: unknown): Got => ({ kind: 'unknown', why: inspect(error) }),
    );
    answers.push({ begunAt, endedAt: clockNow(), asked, got });
    if (got.kind === 'acknowledged') promised += 1;
    return got;
  }

  return {
    answers,
    get promised() {
      return promised;
    },
    ask,
    async askUntilKnown(asked, call, signal) {
      for (;;) {
        const got = await ask(asked, call);
        if (got.kind !== 'unknown' || signal.aborted) return got;
        await delay(PAUSE_MS);
      }
    },
  };
}

function toGot(asked: ApiAnswer['asked'], { status, body }: Answer<unknown>): Got {
  // Too much at once, or of one key: nothing was said of the change.
  if (status >= 500 || status === 429 || body.code === 'idempotency_in_progress') {
    return { kind: 'unknown', why: `${status} ${JSON.stringify(body)}` };
  }
  if (status >= 300) return { kind: 'refused', status };
  if (asked.kind !== 'change') return { kind: 'accepted' };
  const { orderId, status: reached, version = 1 } = body.data as OrderFacts;
  return { kind: 'acknowledged', orderId, version, status: reached };
}
