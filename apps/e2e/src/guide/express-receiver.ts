/**
 * A customer's server as the integration guide shows it: its Express endpoint and its `verifyWebhook`, with the
 * guide's environment variable, and nothing that the guide does not have but the port. Run as a program.
 */
import type { AddressInfo } from 'node:net';
import express, { type Request } from 'express';

interface Webhook {
  orderId: string;
  status: string;
  previousStatus: string;
  orderData: { customerId: string };
  vendorDetails: { vendorName: string };
}

const app = express();

app.use(express.json());

// Webhook endpoint to receive order status updates
app.post('/api/vendor/order-updates', (req, res) => {
  // Verify webhook authentication
  const providedSecret = req.headers['x-vendor-server-secret'];
  if (providedSecret !== process.env['CUSTOMER_SERVER_SECRET']) {
    return res.status(401).json({ error: 'Invalid webhook secret' });
  }
  verifyWebhook(req);

  const { orderId, status, previousStatus, orderData, vendorDetails } = req.body as Webhook;

  console.log(`Order ${orderId} status changed: ${previousStatus} → ${status}`);

  // Update order in your database
  updateOrderInDatabase(orderId, status, orderData, vendorDetails);

  // Notify your customer via email/SMS/push notification
  notifyCustomer(orderData.customerId, orderId, status);

  // Respond with success
  return res.status(200).json({
    success: true,
    message: 'Webhook received successfully',
  });
});

function updateOrderInDatabase(orderId: string, status: string, _orderData: object, _vendorDetails: object) {
  // Your database update logic
  console.log(`Updating order ${orderId} with status ${status}`);
}

function notifyCustomer(customerId: string, orderId: string, status: string) {
  // Your customer notification logic
  console.log(`Notifying customer ${customerId} about order ${orderId}: ${status}`);
}

function verifyWebhook(req: Request) {
  const providedSecret = req.headers['x-vendor-server-secret'];
  const expectedSecret = process.env['CUSTOMER_SERVER_SECRET'];

  if (!providedSecret || providedSecret !== expectedSecret) {
    throw new Error('Invalid webhook authentication');
  }

  // Additional verification
  const timestamp = req.headers['x-webhook-timestamp'] as string;
  const timeDiff = Date.now() - new Date(timestamp).getTime();

  // Reject webhooks older than 5 minutes
  if (timeDiff > 5 * 60 * 1000) {
    throw new Error('Webhook timestamp too old');
  }

  return true;
}

const server = app.listen(0, '127.0.0.1', () => {
  console.log(`Listening on port ${(server.address() as AddressInfo).port}`);
});
