const POLL_MS = 500;

/**
 * Calls `onGone` once when npm, which ran this program, is gone. npm passes signals on to the shell between the
 * two, and that shell ends without passing them on: `kill <npm>` would leave this program running unseen.
 * Without npm nothing is watched: a program may well outlive the shell it was started from.
 */
export function watchNpm(env: NodeJS.ProcessEnv, onGone: () => void): void {
  if (env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onGone();
  }, POLL_MS);
  timer.unref();
}
