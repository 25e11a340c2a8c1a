import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A migration of this version of the code. */
export type Migration = {
  /** The directory's name, e.g. `20261123000000_initial`; migrations are applied in the order of their names. */
  name: string;
  sql: string;
  /** SHA-256 (hex) of the file's bytes. */
  checksum: string;
};

/** The reviewed SQL files, in Prisma's layout: `<name>/migration.sql`. */
export const MIGRATIONS_DIR = fileURLToPath(new URL('../../../../../prisma/migrations', import.meta.url));

export async function listMigrations(directory: string = MIGRATIONS_DIR): Promise<Migration[]> {
  const entries = await readdir(directory, { withFileTypes: true });
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
  return await Promise.all(
    names.sort().map(async (name) => {
      const bytes = await readFile(path.join(directory, name, 'migration.sql'));
      return {
        name,
        sql: bytes.toString('utf8'),
        checksum: createHash('sha256').update(bytes).digest('hex'),
      };
    }),
  );
}
