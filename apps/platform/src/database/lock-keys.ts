/**
 * The keys of the advisory locks that name one piece of work over all processes, in one list so that no two are the
 * same: work that shared a key would keep the other waiting, each for as long as the other runs. (An endpoint's own
 * lock has its id for a key, see promote-sql.ts; the migrations' is Prisma's.)
 */
export const LOCK_KEYS = {
  relay: 4_710_021,
  feed: 4_710_022,
  replays: 4_710_023,
  holds: 4_710_024,
  retention: 4_710_025,
  offerExpiry: 4_710_080,
  defaultCustomerServer: 7_269_841_503,
} as const;
