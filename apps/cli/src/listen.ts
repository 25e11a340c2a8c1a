/** `npm run listen`: a receiver that prints what arrives and answers as it is told. */
import { styleText } from 'node:util';
import { createListener, startListening } from './listen/create-listener.ts';
import { describeWebhook } from './listen/describe-webhook.ts';
import { LISTEN_USAGE, ListenUsageError, parseListenOptions } from './listen/parse-listen-options.ts';
import { watchNpm } from './start/watch-npm.ts';

try {
  const options = parseListenOptions(process.argv.slice(2));
  if (options === null) {
    process.stdout.write(LISTEN_USAGE);
  } else {
    watchNpm(process.env, () => process.exit(0));
    const server = createListener(options, (webhook) =>
      process.stdout.write(`${describeWebhook(webhook)}\n`),
    );
    const url = await startListening(server, options);
    process.stdout.write(
      `${styleText(['bold', 'green'], '● Listening')} for webhooks on ${styleText('cyan', url)} ${styleText('dim', '(any path; Ctrl-C stops)')}\n  Start Vendor Server with CUSTOMER_WEBHOOK_URL=${url}\n\n`,
    );
  }
} catch (error) {
  if (error instanceof ListenUsageError) {
    process.stderr.write(`${error.message}\n\n${LISTEN_USAGE}`);
    process.exitCode = 2;
  } else {
    process.stderr.write(`Cannot listen: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
