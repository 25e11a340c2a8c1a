import { createHmac, timingSafeEqual } from 'node:crypto';
import Fastify from 'fastify';

const signingKey = Buffer.from(process.env.SIGNING_SECRET.replace(/^whsec_/, ''), 'base64');
const toleranceSeconds = 5 * 60;

// Keep these in your database: they must outlive a restart, and be shared by all your processes.
const handledIds = new Set();
const lastVersions = new Map();

const app = Fastify();

// The signature is over the bytes as they came: check it before anything parses them.
app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_request, body) => body);

app.post('/order-updates', async (request, reply) => {
  const { headers, body } = request;
  if (!isGenuine(headers, body)) return reply.code(401).send({ error: 'not a genuine webhook' });
  if (!isRecent(headers)) return reply.code(400).send({ error: 'too old' });
  // There is no order in it.
  if (headers['x-webhook-event'] === 'connection.test') return { success: true };

  const order = JSON.parse(body.toString('utf8'));
  const isNews = remember(headers['webhook-id'], order);
  // Answer as soon as it is stored, also when there was nothing to store; the work comes afterwards.
  if (isNews) setImmediate(() => handle(order));
  return { success: true };
});

function isGenuine(headers, body) {
  if (!Buffer.isBuffer(body)) return false;
  const signed = Buffer.concat([
    Buffer.from(`${headers['webhook-id']}.${headers['webhook-timestamp']}.`),
    body,
  ]);
  const expected = createHmac('sha256', signingKey).update(signed).digest();
  // While a secret is rotated there are two signatures: one that fits is enough.
  return String(headers['webhook-signature'])
    .split(' ')
    .filter((signature) => signature.startsWith('v1,'))
    .map((signature) => Buffer.from(signature.slice(3), 'base64'))
    .some((given) => given.length === expected.length && timingSafeEqual(given, expected));
}

/** A recorded webhook that somebody sends again later is refused; our retries carry a new time. */
function isRecent(headers) {
  const ageSeconds = Date.now() / 1000 - Number(headers['webhook-timestamp']);
  return Math.abs(ageSeconds) <= toleranceSeconds;
}

/** One transaction in your database. False for what was handled before, and for what newer news has overtaken. */
function remember(webhookId, { orderId, version }) {
  if (handledIds.has(webhookId)) return false;
  handledIds.add(webhookId);
  if (version <= (lastVersions.get(orderId) ?? 0)) return false;
  lastVersions.set(orderId, version);
  return true;
}

function handle({ orderId, version, previousStatus, status }) {
  console.log(`${orderId} ${version}: ${previousStatus ?? 'new'} -> ${status}`);
}

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT) });
console.log('Listening');
