import { ruleOf } from '@vendor-server/domain/deliveries/attempt-reasons.ts';
import type { AttemptResult } from '@vendor-server/domain/deliveries/attempt-result.ts';
import { toStatusReason } from '@vendor-server/domain/deliveries/status-reason.ts';
import type { Dispatcher } from 'undici';
import { AttemptFailure, notConnectedInTime, notSentInTime } from './attempt-failure.ts';
import { createExcerpt } from './create-excerpt.ts';
import type { TakeTurn } from './create-turns.ts';
import { toExchangeFailure, unaskedUpgrade } from './to-attempt-failure.ts';

/*
 * Why nothing is written after the deadline, and nothing twice:
 * - undici calls `onRequestStart` in the same turn as, and right before, it hands the request to the socket:
 *   after DNS, connect, TLS and any wait for a free connection. The deadline is compared there with the
 *   monotonic clock, which goes on while a process is stopped; past it the request is aborted unwritten. Timers
 *   prove nothing here: a process that is continued handles what its sockets have ready before its timers.
 * - The socket is connected by then, so the bytes go to the kernel in that turn; only the tail of a body that is
 *   larger than the send buffer can follow later, while its connection lives.
 * - When its turn after the deadline comes first, the exchange is settled: an unwritten request is aborted at its start, a
 *   written one loses its socket at once.
 * - `dispatch` has no retries, with one request per connection nothing is requeued, and a second start of the
 *   same exchange is refused: one call of `send` writes at most one request.
 */

/** After a status came in: how long and how much of the body is read, so that the connection can be used again. */
export const BODY_TIME_MS = 2_000;
const BODY_MAX_BYTES = 64 * 1024;
/** An honest server sends one or two (RFC 9110 §15.2); a flood would cost every other delivery processor time. */
const MAX_INFORMATIONAL = 32;
const RETRY_AFTER_MAX_CHARS = 128;
/** undici refuses it itself only when it names the protocol; else it would be one more interim answer. */
const SWITCHING_PROTOCOLS = 101;

/** One request and its answer, as a handler of undici's `dispatch`. Ends with a result whatever the endpoint does. */
export class Exchange implements Dispatcher.DispatchHandler {
  /** Rejects for our own faults only. */
  readonly result: Promise<AttemptResult>;

  readonly #now: () => number;
  readonly #takeTurn: TakeTurn;
  readonly #startedAt: number;
  readonly #deadline: number;
  readonly #settled = Promise.withResolvers<AttemptResult>();
  #isSettled = false;
  #timer: NodeJS.Timeout | null = null;
  #abandonConnecting: (() => void) | null = null;
  #controller: Dispatcher.DispatchController | null = null;
  #responseBegan = false;
  #informational = 0;
  #answer: Omit<AttemptResult, 'responseExcerpt'> | null = null;
  #bodyBytes = 0;
  readonly #excerpt = createExcerpt();

  /**
   * @param deadline when the response headers must be in, on the clock of `now`, in ms
   * @param now a monotonic clock in ms that does not stand still while the process is stopped
   * @param takeTurn taken at the deadline, for one more look at the sockets at least
   */
  constructor(deadline: number, now: () => number, takeTurn: TakeTurn) {
    this.#now = now;
    this.#takeTurn = takeTurn;
    this.#startedAt = now();
    this.#deadline = deadline;
    this.result = this.#settled.promise;
  }

  /** Begins to wait for the deadline. False when it has passed: then the result is there and nothing must be sent. */
  begin(): boolean {
    const remaining = this.#deadline - this.#now();
    if (remaining <= 0) this.#fail(notSentInTime());
    else
      this.#timer = setTimeout(() => void this.#takeTurn().then(() => this.#endUnlessAnswered()), remaining);
    return remaining > 0;
  }

  /** Takes over a connection attempt made for this exchange, to end it when the exchange ends before it. */
  holdConnecting(abandon: () => void): void {
    this.#abandonConnecting = abandon;
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    const mayWrite = !this.#isSettled && this.#controller === null && this.#now() < this.#deadline;
    if (mayWrite) {
      this.#controller = controller;
      return;
    }
    const failure = notSentInTime();
    this.#fail(failure);
    controller.abort(failure);
  }

  onResponseStarted(): void {
    this.#responseBegan = true;
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 100) return this.#cutOff(controller, notHttp());
    if (status === SWITCHING_PROTOCOLS) return this.#cutOff(controller, unaskedUpgrade());
    if (status < 200) {
      this.#informational += 1;
      if (this.#informational > MAX_INFORMATIONAL) this.#cutOff(controller, informationalFlood());
      return;
    }
    this.#answer = {
      ...describeStatus(status),
      responseStatus: status,
      retryAfter: [headers['retry-after']].flat()[0]?.trim().slice(0, RETRY_AFTER_MAX_CHARS) ?? null,
      durationMs: this.#elapsedMs(),
    };
    this.#stopTimer();
    // No later than that after the deadline, however late these were read: whoever sends counts on it.
    const bodyTimeMs = Math.min(BODY_TIME_MS, this.#deadline + BODY_TIME_MS - this.#now());
    this.#timer = setTimeout(() => this.#endInTime(), Math.max(bodyTimeMs, 0));
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#excerpt.add(chunk);
    this.#bodyBytes += chunk.length;
    if (this.#bodyBytes > BODY_MAX_BYTES) this.#endInTime();
  }

  onResponseEnd(): void {
    this.#settleWithAnswer();
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#settleWithAnswer()) return;
    const failure = toExchangeFailure(error, this.#responseBegan);
    if (failure instanceof AttemptFailure) this.#fail(failure);
    else this.#throw(failure);
  }

  /**
   * The deadline has passed. An event loop that was held up, or a process that was stopped, runs its timers before it
   * reads what has come meanwhile; so this is called behind one more look at the sockets, or a webhook that was
   * accepted in time would be sent again.
   */
  #endUnlessAnswered(): void {
    if (!this.#isSettled && this.#answer === null) this.#endInTime();
  }

  /** Time or size is used up: the answer's status counts if there is one, and the socket is torn down. */
  #endInTime(): void {
    const failure = this.#controller === null ? this.#notWritten() : noAnswer();
    if (!this.#settleWithAnswer()) this.#fail(failure);
    this.#controller?.abort(failure);
    this.#abandonConnecting?.();
  }

  #notWritten(): AttemptFailure {
    return this.#abandonConnecting === null ? notSentInTime() : notConnectedInTime();
  }

  #cutOff(controller: Dispatcher.DispatchController, failure: AttemptFailure): void {
    this.#fail(failure);
    controller.abort(failure);
  }

  #settleWithAnswer(): boolean {
    if (this.#answer === null) return false;
    if (this.#settle()) this.#settled.resolve({ ...this.#answer, responseExcerpt: this.#excerpt.text() });
    return true;
  }

  #fail(failure: AttemptFailure): void {
    if (!this.#settle()) return;
    this.#settled.resolve({
      outcome: failure.outcome,
      reason: failure.reason,
      responseStatus: null,
      responseExcerpt: null,
      retryAfter: null,
      error: failure.message,
      durationMs: this.#elapsedMs(),
    });
  }

  #throw(error: Error): void {
    if (this.#settle()) this.#settled.reject(error);
  }

  #settle(): boolean {
    if (this.#isSettled) return false;
    this.#isSettled = true;
    this.#stopTimer();
    return true;
  }

  #stopTimer(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #elapsedMs(): number {
    return Math.round(this.#now() - this.#startedAt);
  }
}

function describeStatus(status: number): Pick<AttemptResult, 'outcome' | 'reason' | 'error'> {
  const reason = toStatusReason(status);
  const { outcome } = ruleOf(reason);
  if (outcome === 'acknowledged') return { outcome, reason, error: null };
  const addition = outcome === 'redirected' ? '; redirects are not followed' : '';
  return { outcome, reason, error: `${outcome}: The endpoint answered ${status}${addition}.` };
}

function noAnswer(): AttemptFailure {
  return new AttemptFailure('no_answer', 'The endpoint did not send the headers of an answer in time.');
}

/** undici lets such a number through, and would then take it for an interim answer that never ends. */
function notHttp(): AttemptFailure {
  return new AttemptFailure('invalid_http', 'The answer has no status of HTTP.');
}

function informationalFlood(): AttemptFailure {
  return new AttemptFailure(
    'informational_flood',
    'The endpoint sent one informational (1xx) answer after the other.',
  );
}
