/** A process with an embedded PostgreSQL: argv is the data directory, and how it ends (`stay` or `leave`). */
import { startEmbeddedPostgres } from './embedded-postgres.ts';

const [dataDir = '', end] = process.argv.slice(2);
if (end === 'stay') {
  // As a process that drains before it stops: Ctrl-C does not end it at once.
  process.on('SIGINT', () => process.stdout.write('interrupted\n'));
  setInterval(() => undefined, 60_000);
}
const { url } = await startEmbeddedPostgres({ dataDir, serverSettings: { fsync: 'off' } });
process.stdout.write(`${url}\n`);
