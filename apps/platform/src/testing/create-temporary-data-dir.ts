import { chmod, mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** A data directory for one embedded PostgreSQL. */
export interface TemporaryDataDir {
  readonly path: string;
  /** Once the server has ended. */
  remove(): Promise<void>;
}

export async function createTemporaryDataDir(): Promise<TemporaryDataDir> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'vendor-server-test-'));
  // Made for its owner only, but a root process runs the server as another account.
  await chmod(dataDir, 0o755);
  return {
    path: dataDir,
    async remove() {
      // Elsewhere when that account could not reach the temporary directory.
      const data = await realpath(path.join(dataDir, 'postgres')).catch(() => dataDir);
      await rm(data, { recursive: true });
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
