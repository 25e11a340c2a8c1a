import pino from 'pino';
import { SettingsError } from '../settings/settings-error.ts';

/** What a file that cannot be written (a full disk) may keep in memory; more is left out of it. */
const MAX_UNWRITTEN_BYTES = 4 * 1024 * 1024;

export interface LogFile {
  readonly stream: pino.DestinationStream;
  /** Goes on in a new file of the same name; throws when there can be none, and then stays with the old one. */
  reopen(): void;
}

/**
 * Opens a log file to append to, and its directory. Once it is open, what goes wrong with it never ends the process,
 * whose log also goes to stdout; stderr says so, once until it is reopened.
 *
 * @throws SettingsError when it cannot be opened
 */
export function openLogFile(path: string): LogFile {
  const file = open(path);
  let isBroken = false;
  file.on('error', (error: Error) => {
    if (isBroken) return;
    isBroken = true;
    process.stderr.write(`LOG_FILE ${path} cannot be written: ${error.message}\n`);
  });
  return {
    stream: file,
    reopen() {
      try {
        file.reopen();
        isBroken = false;
      } catch (error) {
        // It would close the file that is still in use when a later try succeeds.
        file.removeAllListeners('ready');
        throw error;
      }
    },
  };
}

function open(path: string) {
  try {
    return pino.destination({
      dest: path,
      append: true,
      mkdir: true,
      sync: true,
      maxLength: MAX_UNWRITTEN_BYTES,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SettingsError([`LOG_FILE ${path} cannot be written: ${reason}.`]);
  }
}
