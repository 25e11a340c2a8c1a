import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describeSettings } from '@vendor-server/platform/settings/describe-settings.ts';
import { DEVELOPMENT_CUSTOMER_SERVER_SECRET } from '@vendor-server/platform/settings/development-values.ts';
import { loadSettings } from '@vendor-server/platform/settings/load-settings.ts';
import { describe, expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../../../..');
const readme = readFileSync(path.join(root, 'README.md'), 'utf8');
const manifest = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>;
};
const settings = describeSettings(loadSettings({})).map((line) => line.split('=', 2) as [string, string]);

describe('README.md', () => {
  test('names every setting', () => {
    const missing = settings.map(([name]) => name).filter((name) => !readme.includes(`\`${name}\``));
    expect(missing).toEqual([]);
  });

  test('names no setting that there is not', () => {
    const section = readme.slice(readme.indexOf('## Settings'), readme.indexOf('## What a receiver'));
    const named = Array.from(section.matchAll(/`([A-Z][A-Z_]{2,})`/g), ([, name]) => name);
    expect(new Set(named)).toEqual(new Set(settings.map(([name]) => name)));
  });

  test.each([
    ['WEBHOOK_TIMEOUT_MS', '10000'],
    ['WEBHOOK_RETRY_DELAYS_MS', '1000,2000,3000'],
    ['WEBHOOK_CONCURRENCY', '1024'],
    ['WEBHOOK_ALLOWED_NETWORKS', '127.0.0.0/8,::1/128'],
  ])('gives the default of %s', (name, value) => {
    expect(settings).toContainEqual([name, value]);
    expect(readme).toContain(`| \`${name}\` | \`${value}\``);
  });

  test('creates its first order with the secret that development has', () => {
    expect(readme).toContain(`'x-customer-secret: ${DEVELOPMENT_CUSTOMER_SERVER_SECRET}'`);
  });

  test('runs scripts that exist', () => {
    const scripts = Array.from(
      readme.matchAll(/npm run ([\w:]+)|npm (start|test)/g),
      ([, run, short]) => run ?? short,
    );
    const unknown = scripts.filter((name) => manifest.scripts[name ?? ''] === undefined);
    expect(unknown).toEqual([]);
  });

  test('points to files that exist', () => {
    const paths = Array.from(readme.matchAll(/`((?:apps|prisma)\/[\w./-]+)`/g), ([, file]) => file ?? '');
    expect(paths.length).toBeGreaterThan(10);
    expect(paths.filter((file) => !existsSync(path.join(root, file)))).toEqual([]);
  });
});
