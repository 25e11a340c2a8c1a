/** What the global set-up hands to every test file; read it through `test-database.ts` and `test-redis.ts`. */
export type TestServices = {
  postgres: {
    /** A database of the server that may be used to create others. */
    adminUrl: string;
    /** The name of the migrated database that tests clone. */
    template: string;
  };
  /** Null when this machine has no Redis. */
  redis: {
    /** Without a database number. */
    url: string;
    /** How many logical databases it has. */
    databases: number;
    /** One file per logical database that is taken. */
    claimsDir: string;
  } | null;
  /** File of the Chromium on this machine; null when it has none. */
  chromium: string | null;
};

declare module 'vitest' {
  interface ProvidedContext {
    testServices: TestServices;
  }
}
