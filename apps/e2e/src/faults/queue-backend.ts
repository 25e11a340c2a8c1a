/** Where the queue lives. */
export type QueueBackend = 'redis' | 'postgres';
