import type { Server } from 'node:http';
import type { Request, Response } from 'express';
import express from 'express';

export interface SampleCustomerServerOptions {
  /** 0 takes a free one. */
  port: number;
  secret: string;
  /** The status whose first `times` webhooks are answered 503, so that retries are seen. */
  failOn: { status: string; times: number };
  /** Told of every request once it is answered. */
  onAnswered: (request: Request, answeredWith: number) => void;
}

/**
 * A customer's server as the integration guide shows it: one Express route and `verifyWebhook`. It knows
 * nothing of Vendor Server but the secret they share.
 */
export function startSampleCustomerServer(options: SampleCustomerServerOptions): Promise<Server> {
  let failuresLeft = options.failOn.times;
  const app = express();

  app.use(express.json());

  // Webhook endpoint to receive order status updates
  app.post('/api/vendor/order-updates', (req, res) => {
    try {
      verifyWebhook(req, options.secret);
    } catch (error) {
      return answer(req, res, 401, { error: error instanceof Error ? error.message : String(error) });
    }

    const { status } = req.body as { status: string };
    if (status === options.failOn.status && failuresLeft > 0) {
      failuresLeft -= 1;
      return answer(req, res, 503, { error: 'Database is restarting' });
    }

    // Here a customer would update the order in its database and notify its user.
    return answer(req, res, 200, { success: true, message: 'Webhook received successfully' });
  });

  function answer(req: Request, res: Response, status: number, body: object): void {
    res.status(status).json(body);
    options.onAnswered(req, status);
  }

  return new Promise((resolve, reject) => {
    const server = app.listen(options.port, '127.0.0.1', (error) =>
      error ? reject(error) : resolve(server),
    );
  });
}

/** The function of this name from the integration guide. */
function verifyWebhook(req: Request, expectedSecret: string): true {
  const providedSecret = req.headers['x-vendor-server-secret'];

  if (!providedSecret || providedSecret !== expectedSecret) {
    throw new Error('Invalid webhook authentication');
  }

  // Additional verification
  const timestamp = req.headers['x-webhook-timestamp'];
  const timeDiff = Date.now() - new Date(String(timestamp)).getTime();

  // Reject webhooks older than 5 minutes
  if (timeDiff > 5 * 60 * 1000) {
    throw new Error('Webhook timestamp too old');
  }

  return true;
}
