import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../../../..');
const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
  .split('\0')
  .filter((file) => file !== '');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');

interface LockedPackage {
  resolved?: string;
  link?: boolean;
  optionalDependencies?: Record<string, string>;
}

describe('tracked files', () => {
  // Written in parts, so that this file is not among those it finds.
  test.each([
    ['a path of one machine', ['/work', '/'].join('')],
    ['a path of one machine', ['/home', '/'].join('')],
    ['a registry', ['registry.npm', 'js'].join('')],
    ['a document that is not here', ['../', 'shared'].join('')],
  ])('none names %s: %s', (_what, words) => {
    const naming = tracked.filter((file) => read(file).includes(words));
    expect(naming).toEqual([]);
  });

  // Prisma's client leaves out what the schema marks with @ignore; SQL by hand could still name it.
  test('none asks for a column that a later release drops', () => {
    const schema = tracked.filter((file) => file.endsWith('.prisma')).map(read);
    const unused = schema.flatMap((text) => [...text.matchAll(/@map\("(\w+)"\)[^\n]*@ignore/g)]);
    expect(unused.length).toBeGreaterThan(0);
    const program = tracked.filter((file) => /^apps\/.*\.ts$/.test(file));
    for (const [, column] of unused) {
      expect(
        program.filter((file) => new RegExp(`\\b${column}\\b`).test(read(file))),
        column,
      ).toEqual([]);
    }
  });

  test('every dependency has an exact version', () => {
    const manifests = tracked.filter((file) => path.basename(file) === 'package.json');
    expect(manifests.length).toBeGreaterThan(7);
    for (const file of manifests) {
      const { dependencies, devDependencies } = JSON.parse(read(file));
      for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
        expect(version, `${name} in ${file}`).toMatch(/^\d+\.\d+\.\d+(-[\w.-]+)?$/);
      }
    }
  });
});

describe('package-lock.json', () => {
  const packages: Record<string, LockedPackage> = JSON.parse(read('package-lock.json')).packages;

  test('leaves the choice of registry to whoever installs', () => {
    const addressed = Object.entries(packages).filter(([, { resolved, link }]) => resolved && !link);
    expect(addressed).toEqual([]);
  });

  test('knows the packages of every platform, or npm ci refuses it', () => {
    const missing = Object.entries(packages).flatMap(([parent, { optionalDependencies }]) =>
      Object.keys(optionalDependencies ?? {}).filter(
        (name) => !packages[`node_modules/${name}`] && !packages[`${parent}/node_modules/${name}`],
      ),
    );
    expect(missing).toEqual([]);
  });
});
