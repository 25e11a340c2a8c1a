import { SettingsError } from './settings-error.ts';

/**
 * For the entry file of a process: gives what `read` gives, and ends the process with 1 when settings turn out
 * faulty. They are written to stderr without a stack, which would bury them.
 */
export function exitOnFaultySettings<Value>(read: () => Value): Value {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
