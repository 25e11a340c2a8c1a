import { exitOnFaultySettings } from './exit-on-faulty-settings.ts';
import { loadSettings } from './load-settings.ts';
import type { Settings } from './settings.ts';

/** As `loadSettings`, for the entry file of a process, which faulty settings end. */
export function loadSettingsOrExit(env: NodeJS.ProcessEnv): Settings {
  return exitOnFaultySettings(() => loadSettings(env));
}
