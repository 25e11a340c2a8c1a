import { createServer } from 'node:http';

/** A process for tests: answers `/readyz` with the status given first, and ends on the signal unless told not to. */
const [status = '200', port = '0', fault = 'none'] = process.argv.slice(2);

if (fault === 'exit') process.exit(3);
process.on('SIGTERM', () => process.exit(0));
createServer((_request, response) => response.writeHead(Number(status)).end()).listen(
  Number(port),
  '127.0.0.1',
);
