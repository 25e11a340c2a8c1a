import { createLogger } from './create-logger.ts';

/** A process for tests: it takes its stdout for a terminal and logs one line, also to the file it is given. */
process.stdout.isTTY = true;

const logger = createLogger({ logLevel: 'info', logFile: process.argv[2] ?? null }, { name: 'fixture' });
logger.info({ orderId: '0190aaaaaaaabbbbbbbbcccc', apiKey: 'test-api-key' }, 'Order created');
const hostile = '\u009b2J\u001b[2J\u2028\u202e';
logger.error({ responseExcerpt: hostile, err: new Error(hostile) }, hostile);
