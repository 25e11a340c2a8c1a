/** TLS sessions to resume, by `host:port`. A session's host was checked against its certificate when it began. */
export interface SessionCache {
  /** Options for `tls.connect`: the session of an earlier connection, if there is one. */
  resume(key: string): { session?: Buffer };
  keep(key: string, session: Buffer): void;
}

const MAX_SESSIONS = 1_000;

/** A cache that forgets the session that was renewed longest ago. */
export function createSessionCache(): SessionCache {
  const sessions = new Map<string, Buffer>();

  return {
    resume(key) {
      const session = sessions.get(key);
      return session === undefined ? {} : { session };
    },
    keep(key, session) {
      sessions.delete(key);
      sessions.set(key, session);
      const oldest = sessions.keys().next();
      if (sessions.size > MAX_SESSIONS && !oldest.done) sessions.delete(oldest.value);
    },
  };
}
