/** Sends to each URL of the command line, with loopback allowed, and prints what came of it as a JSON array. */
import { createSender } from '../create-sender.ts';

const sender = createSender({ allowedNetworks: ['127.0.0.0/8'], maxConnectionsPerOrigin: 1 });
const results = [];
for (const url of process.argv.slice(2)) {
  results.push(await sender.send({ url, headers: {}, body: '{}', deadline: performance.now() + 10_000 }));
}
await sender.close();
process.stdout.write(JSON.stringify(results));
