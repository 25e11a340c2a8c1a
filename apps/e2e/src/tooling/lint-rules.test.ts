import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../../../..');

interface Fixture {
  file: string;
  source: string;
  /** The rules that must speak up, and no others. */
  rules: string[];
}

const imports = 'eslint(no-restricted-imports)';

function importing(file: string, specifier: string, rules: string[]): Fixture {
  return { file, source: `import { x } from '${specifier}';\nexport const y = x as unknown;\n`, rules };
}

const refusedImports: [file: string, specifier: string][] = [
  ['domain', 'node:fs'],
  ['domain', 'fastify'],
  ['domain', '@vendor-server/platform/ids/create-id.ts'],
  ['platform', 'fastify'],
  ['platform', 'undici'],
  ['platform', 'node:process'],
  ['platform', '@vendor-server/api/app.ts'],
  ['platform', '@vendor-server/worker/worker.ts'],
  ['platform', '@vendor-server/sender/create-sender.ts'],
  ['sender', 'pg'],
  ['sender', 'bullmq'],
  ['sender', '@vendor-server/platform/database/create-database.ts'],
  ['api', '@vendor-server/worker/worker.ts'],
  ['api', 'bullmq'],
  ['api', '@prisma/client'],
  ['api', 'undici'],
  ['worker', '@vendor-server/api/app.ts'],
  ['worker', 'fastify'],
  ['worker', 'pino'],
  ['worker', '@fastify/type-provider-typebox'],
  ['worker', '@prisma/client'],
];

const allowedImports: [file: string, specifier: string][] = [
  ['domain', 'node:crypto'],
  ['domain', 'ipaddr.js'],
  ['domain', '../errors/error-codes.ts'],
  ['platform', 'bullmq'],
  ['platform', 'node:fs/promises'],
  ['platform', '@vendor-server/domain/errors/error-codes.ts'],
  ['sender', 'undici'],
  ['api', '@fastify/type-provider-typebox'],
  ['api', '@bull-board/fastify'],
  ['api', '@vendor-server/sender/create-sender.ts'],
  ['worker', 'bullmq'],
  ['cli', '@vendor-server/api/app.ts'],
  ['e2e', '@vendor-server/worker/worker.ts'],
];

const fixtures: Fixture[] = [
  ...refusedImports.map(([name, specifier], i) =>
    importing(`apps/${name}/src/refused-${i}.ts`, specifier, [imports]),
  ),
  ...allowedImports.map(([name, specifier], i) =>
    importing(`apps/${name}/src/allowed-${i}.ts`, specifier, []),
  ),
  importing('apps/domain/src/orders/escape.ts', '../../../platform/src/ids/create-id.ts', [imports]),
  importing('apps/e2e/src/escape.ts', '../../api/src/app.ts', [imports]),
  importing('apps/api/src/orders/with-test-code.ts', '../testing/build-test-app.ts', [imports]),
  importing('apps/domain/src/orders/tool.test.ts', 'fast-check', []),
  importing('apps/sender/src/receiver.test.ts', '@vendor-server/e2e/receiver/create-receiver.ts', []),
  importing('apps/sender/src/receiver.ts', '@vendor-server/e2e/receiver/create-receiver.ts', [imports]),
  importing('apps/domain/src/orders/across.test.ts', '@vendor-server/platform/ids/create-id.ts', [imports]),
  importing('apps/api/src/testing/across.ts', '@vendor-server/worker/worker.ts', [imports]),
  {
    file: 'apps/worker/src/type-only.ts',
    source: `import type { FastifyInstance } from 'fastify';\nexport type App = FastifyInstance;\n`,
    rules: [imports],
  },
  {
    file: 'apps/worker/src/logger-type.ts',
    source: `import type { Logger } from 'pino';\nexport type Log = Logger;\n`,
    rules: [],
  },
  {
    file: 'apps/worker/src/dynamic.ts',
    source: `export const app: unknown = await import('@vendor-server/api/app.ts');\n`,
    rules: [imports],
  },
  {
    file: 'apps/worker/src/re-export.ts',
    source: `export type { FastifyInstance } from 'fastify';\n`,
    rules: [imports],
  },
  {
    file: 'apps/worker/src/barrel.ts',
    source: `export * from './lost-promise.ts';\n`,
    rules: ['oxc(no-barrel-file)'],
  },
  {
    file: 'apps/worker/src/lost-promise.ts',
    source: `async function send(): Promise<void> {}\nexport function go(): void {\n  send();\n}\n`,
    rules: ['typescript(no-floating-promises)'],
  },
  {
    file: 'apps/worker/src/misused-promise.ts',
    source: `export function go(send: () => Promise<boolean>): void {\n  if (send()) throw new Error('sent');\n}\n`,
    rules: ['typescript(no-misused-promises)'],
  },
  {
    file: 'apps/worker/src/await-nothing.ts',
    source: `export async function go(count: number): Promise<number> {\n  return (await count) + 1;\n}\n`,
    rules: ['typescript(await-thenable)'],
  },
  {
    file: 'apps/worker/src/any-type.ts',
    source: `export function go(value: any): void {\n  value.send();\n}\n`,
    rules: [
      'typescript(no-explicit-any)',
      'typescript(no-unsafe-call)',
      'typescript(no-unsafe-member-access)',
    ],
  },
  {
    file: 'apps/worker/src/missing-case.ts',
    source: `export function go(kind: 'a' | 'b'): void {\n  switch (kind) {\n    case 'a':\n      throw new Error('a');\n  }\n}\n`,
    rules: ['typescript(switch-exhaustiveness-check)'],
  },
  {
    file: 'apps/worker/src/comment.ts',
    source: `// @ts-expect-error\nexport const count: number = 'one';\n`,
    rules: ['typescript(ban-ts-comment)'],
  },
  {
    file: 'apps/worker/src/value-import.ts',
    source: `import { Job } from 'bullmq';\nexport type AnyJob = Job;\n`,
    rules: ['typescript(consistent-type-imports)'],
  },
  {
    file: 'apps/worker/src/environment.ts',
    source: `export const port = process.env['PORT'];\n`,
    rules: ['eslint(no-restricted-properties)'],
  },
  {
    file: 'apps/worker/src/environment-destructured.ts',
    source: `export const { env } = process;\n`,
    rules: ['eslint(no-restricted-properties)'],
  },
  {
    file: 'apps/worker/src/main.ts',
    source: `export const port = process.env['PORT'];\n`,
    rules: [],
  },
  {
    file: 'apps/platform/src/settings/load-settings.ts',
    source: `export const port = process.env['PORT'];\n`,
    rules: [],
  },
  {
    file: 'apps/worker/src/cycle-one.ts',
    source: `import { two } from './cycle-two.ts';\nexport const one = (): unknown => two;\n`,
    rules: ['import(no-cycle)'],
  },
  {
    file: 'apps/worker/src/cycle-two.ts',
    source: `import { one } from './cycle-one.ts';\nexport const two = (): unknown => one;\n`,
    rules: ['import(no-cycle)'],
  },
  {
    file: 'apps/worker/src/focused.test.ts',
    source: `import { expect, it } from 'vitest';\nit.only('runs alone', () => {\n  expect(1).toBe(1);\n});\n`,
    rules: ['vitest(no-focused-tests)'],
  },
  {
    file: 'apps/worker/src/switched-off.ts',
    source: `// eslint-disable-next-line no-console\nconsole.log('hello');\nexport {};\n`,
    rules: ['eslint(no-console)'],
  },
];

let directory: string;
const found = new Map<string, Set<string>>();

describe('the linter', () => {
  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'lint-rules-'));
    await symlink(path.join(root, 'node_modules'), path.join(directory, 'node_modules'));
    for (const file of ['oxlint.config.ts', 'tsconfig.base.json']) {
      await cp(path.join(root, file), path.join(directory, file));
    }
    for (const { file, source } of fixtures) {
      const target = path.join(directory, file);
      await mkdir(path.dirname(target), { recursive: true });
      await writeFile(target, source);
      const [apps = '', name = ''] = file.split('/');
      await cp(
        path.join(root, apps, name, 'tsconfig.json'),
        path.join(directory, apps, name, 'tsconfig.json'),
      );
    }
    for (const { filename, code } of await runOxlint(directory)) {
      found.set(filename, (found.get(filename) ?? new Set()).add(code));
    }
  }, 60_000);

  afterAll(() => rm(directory, { recursive: true, force: true }));

  it.each(fixtures)('$file: $rules', ({ file, rules }) => {
    expect([...(found.get(file) ?? [])].sort()).toEqual([...rules].sort());
  });
});

async function runOxlint(cwd: string): Promise<{ filename: string; code: string }[]> {
  const output = await new Promise<string>((resolve, reject) => {
    execFile(
      process.execPath,
      [path.join(root, 'node_modules/oxlint/bin/oxlint'), '--format', 'json', 'apps'],
      { cwd, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        // It exits with 1 when it has something to say.
        if (error && !stdout.startsWith('{')) reject(new Error(`${stdout}\n${stderr}`, { cause: error }));
        else resolve(stdout);
      },
    );
  });
  return JSON.parse(output).diagnostics;
}
