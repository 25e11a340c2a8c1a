import { access, constants } from 'node:fs/promises';
import path from 'node:path';

/** The file of a program, as a shell finds it; null when it is not on the PATH. */
export async function findProgram(name: string, searchPath: string): Promise<string | null> {
  for (const directory of searchPath.split(path.delimiter)) {
    const candidate = path.join(directory, name);
    const found = await access(candidate, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return candidate;
  }
  return null;
}
