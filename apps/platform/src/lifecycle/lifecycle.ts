import type { Logger } from 'pino';

/**
 * What a process holds, released in the reverse order of acquisition. One list does both, so that nothing
 * is started without saying how it is stopped, and a start that fails halfway stops what it had started.
 */
export interface Lifecycle {
  /** Aborts when stopping begins: for loops and waits that should end early. */
  readonly stopping: AbortSignal;
  /**
   * Starts the next part and remembers how to stop it. Gives what `start` gives.
   * @throws LifecycleStoppedError when stopping has begun (a part that was being started is stopped at once),
   * and whatever `start` throws.
   */
  start<Part>(
    name: string,
    start: () => Part | Promise<Part>,
    stop?: (part: Part) => void | Promise<void>,
  ): Promise<Part>;
  /**
   * Stops all parts, last started first. A stop that fails is logged and the others go on. After
   * `stopDeadlineMs` it waits no longer. Repeated calls wait for the first.
   * @returns `clean` when every part stopped without an error in time.
   */
  stop(reason: string): Promise<'clean' | 'failed' | 'late'>;
}

/** Start-up was overtaken by a request to stop: not a fault. */
export class LifecycleStoppedError extends Error {
  override readonly name = 'LifecycleStoppedError';
}

interface StartedPart {
  name: string;
  stop: () => void | Promise<void>;
}

/** An empty lifecycle; `stopDeadlineMs` bounds the stopping of all parts together. */
export function createLifecycle({
  logger,
  stopDeadlineMs,
}: {
  logger: Logger;
  stopDeadlineMs: number;
}): Lifecycle {
  const parts: StartedPart[] = [];
  const stopping = new AbortController();
  let stopped: Promise<'clean' | 'failed' | 'late'> | null = null;

  async function stopPart(part: StartedPart): Promise<boolean> {
    const startedAt = performance.now();
    try {
      await part.stop();
      logger.debug({ part: part.name, durationMs: Math.round(performance.now() - startedAt) }, 'Stopped');
      return true;
    } catch (err) {
      logger.error({ err, part: part.name }, 'Could not stop cleanly');
      return false;
    }
  }

  async function stopParts(): Promise<'clean' | 'failed'> {
    let clean = true;
    for (let part = parts.pop(); part; part = parts.pop()) clean = (await stopPart(part)) && clean;
    return clean ? 'clean' : 'failed';
  }

  async function stopInTime(): Promise<'clean' | 'failed' | 'late'> {
    const deadline = Promise.withResolvers<'late'>();
    const timer = setTimeout(() => deadline.resolve('late'), stopDeadlineMs);
    const result = await Promise.race([stopParts(), deadline.promise]);
    clearTimeout(timer);
    if (result === 'late') logger.error({ stopDeadlineMs }, 'Stopping took too long; giving up on the rest');
    return result;
  }

  return {
    stopping: stopping.signal,

    async start(name, start, stop) {
      if (stopping.signal.aborted) throw new LifecycleStoppedError(`Not starting ${name}: stopping.`);
      const part = await start();
      const started = { name, stop: () => stop?.(part) };
      if (stopping.signal.aborted) {
        await stopPart(started);
        throw new LifecycleStoppedError(`Stopped ${name} again: stopping.`);
      }
      parts.push(started);
      return part;
    },

    stop(reason) {
      if (!stopped) {
        logger.info({ reason }, 'Stopping');
        stopping.abort();
        stopped = stopInTime();
      }
      return stopped;
    },
  };
}
