import { loadSettings } from './load-settings.ts';
import type { Settings } from './settings.ts';
import { SettingsError } from './settings-error.ts';

/**
 * As `loadSettings`, for the entry file of a process: faulty settings are written to stderr, without a stack
 * that would bury them, and the process exits with 1.
 */
export function loadSettingsOrExit(env: NodeJS.ProcessEnv): Settings {
  try {
    return loadSettings(env);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}
