/** Resolves when it is one's turn. */
export type TakeTurn = () => Promise<void>;

export interface TurnsOptions {
  /** How many go on at once. */
  readonly perTurn: number;
  /** From one turn to the next, in ms. */
  readonly pauseMs: number;
  /** Of very many, one in so many goes on at each turn: the wait grows with the logarithm of their number. */
  readonly oneIn: number;
  /** Once it aborts nobody waits any more, those included who do. */
  readonly hurry?: AbortSignal;
}

/**
 * Spreads what is to be done for many in one moment, in the order in which they came: a few go on at once, the next few
 * a little later. Who comes alone does not wait.
 *
 * Who comes from a timer goes on after one more look at the sockets.
 */
export function createTurns({ perTurn, pauseMs, oneIn, hurry }: TurnsOptions): TakeTurn {
  const waiting: (() => void)[] = [];
  let isScheduled = false;
  let lastTurnAt = Number.NEGATIVE_INFINITY;

  function schedule(): void {
    if (isScheduled || waiting.length === 0) return;
    isScheduled = true;
    if (hurry?.aborted) return void setImmediate(goOn);
    const waitMs = lastTurnAt + pauseMs - performance.now();
    if (waitMs > 0) setTimeout(() => setImmediate(goOn), waitMs);
    else setImmediate(goOn);
  }

  function goOn(): void {
    isScheduled = false;
    lastTurnAt = performance.now();
    const share = hurry?.aborted ? waiting.length : Math.max(perTurn, Math.ceil(waiting.length / oneIn));
    for (const resolve of waiting.splice(0, share)) resolve();
    schedule();
  }

  hurry?.addEventListener('abort', goOn, { once: true });
  return () =>
    new Promise((resolve) => {
      waiting.push(resolve);
      schedule();
    });
}
