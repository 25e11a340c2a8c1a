/** A process with an embedded PostgreSQL: argv is the data directory, and how it ends (`stay` or `leave`). */
import { startEmbeddedPostgres } from './embedded-postgres.ts';

const [dataDir = '', end] = process.argv.slice(2);
const { url } = await startEmbeddedPostgres({ dataDir });
process.stdout.write(`${url}\n`);
if (end === 'stay') {
  // As a process that drains before it stops: Ctrl-C does not end it at once.
  process.on('SIGINT', () => process.stdout.write('interrupted\n'));
  setInterval(() => undefined, 60_000);
}
