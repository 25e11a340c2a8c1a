import type { Logger } from 'pino';
import { exitOnFaultySettings } from '../settings/exit-on-faulty-settings.ts';
import { createLogger } from './create-logger.ts';

/** As `createLogger`, for the entry file of a process, which a log file that cannot be written ends. */
export function createLoggerOrExit(...args: Parameters<typeof createLogger>): Logger {
  return exitOnFaultySettings(() => createLogger(...args));
}
