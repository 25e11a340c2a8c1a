import type { Logger } from 'pino';
import type { Lifecycle } from './lifecycle.ts';
import { createLifecycle } from './lifecycle.ts';

const EXIT_FAILED = 1;
/** By convention 128 + the signal's number. */
const EXIT_BY_SIGNAL: Partial<Record<NodeJS.Signals, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

export interface RunProcessOptions {
  logger: Logger;
  /** How long all parts together may take to stop before the process exits anyway. */
  stopDeadlineMs: number;
  /** Signals that stop the process; SIGTERM and SIGINT unless said otherwise. */
  signals?: readonly NodeJS.Signals[];
  /** What a stop by signal exits with when it was clean: 0, or more for a job that was then left undone. */
  signalExitCode?: number;
  /** Starts the parts of the process, in order. A process that ends by itself calls `exit`. */
  start: (lifecycle: Lifecycle, exit: Exit) => Promise<void>;
}

/** Stops all parts and then exits with the code, or with 1 when stopping was not clean. */
export type Exit = (reason: string, exitCode: number) => void;

/**
 * Runs a process from its start to its exit code: 0 after a requested stop that was clean, 1 after a failure.
 * - The first signal stops the parts in reverse order; a second one exits at once.
 * - An error that nobody caught is logged and stops the process: its state is not to be trusted any more.
 * - A process started with an IPC channel stops when its parent is gone, however that one died.
 */
export async function runProcess({
  logger,
  stopDeadlineMs,
  signals = ['SIGTERM', 'SIGINT'],
  signalExitCode = 0,
  start,
}: RunProcessOptions): Promise<void> {
  const lifecycle = createLifecycle({ logger, stopDeadlineMs });

  async function stopAndExit(reason: string, exitCode: number): Promise<void> {
    const result = await lifecycle.stop(reason);
    logger.info({ result }, 'Stopped');
    process.exit(result === 'clean' ? exitCode : EXIT_FAILED);
  }

  for (const signal of signals) {
    process.on(signal, () => {
      if (lifecycle.stopping.aborted) {
        logger.warn({ signal }, 'Second signal: exiting at once');
        process.exit(EXIT_BY_SIGNAL[signal] ?? EXIT_FAILED);
      }
      void stopAndExit(signal, signalExitCode);
    });
  }
  process.once('uncaughtException', (err, origin) => {
    logger.fatal({ err, origin }, 'Unhandled error');
    // A further error while stopping must not keep the process from exiting.
    process.on('uncaughtException', (further) =>
      logger.fatal({ err: further }, 'Unhandled error while stopping'),
    );
    void stopAndExit('unhandled error', EXIT_FAILED);
  });
  if (process.send) {
    const stopWithParent = () => void stopAndExit('parent process is gone', 0);
    process.once('disconnect', stopWithParent);
    // The parent may have died while this process was still loading.
    if (!process.connected) stopWithParent();
    // The listener alone must not keep a finished process alive.
    process.channel?.unref();
  }

  try {
    await start(lifecycle, (reason, exitCode) => void stopAndExit(reason, exitCode));
  } catch (err) {
    // Overtaken by a request to stop, which is being served already.
    if (lifecycle.stopping.aborted) return;
    logger.fatal({ err }, 'Could not start');
    await stopAndExit('could not start', EXIT_FAILED);
  }
}
