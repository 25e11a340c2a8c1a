import { chmod, mkdir } from 'node:fs/promises';

/**
 * Where a root process keeps what PostgreSQL's account cannot reach where it belongs: `/root` is closed to
 * everybody else, and so is a project in it.
 */
export const SHARED_STATE_DIR = '/var/lib/vendor-server';

/** Makes it when there is none, open to all whatever the umask. */
export async function ensureSharedStateDir(): Promise<void> {
  await mkdir(SHARED_STATE_DIR, { recursive: true });
  await chmod(SHARED_STATE_DIR, 0o755);
}
