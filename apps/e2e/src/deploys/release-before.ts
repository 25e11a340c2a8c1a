/**
 * The release before this one: what runs already while this one is deployed. Whoever makes a release writes the last
 * migration of the one before here.
 */
export const LAST_MIGRATION_BEFORE = '20261125010700_refused_secret_hash';
