import base64
import hashlib
import hmac
import json
import os
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

signing_key = base64.b64decode(os.environ['SIGNING_SECRET'].removeprefix('whsec_'))
tolerance_seconds = 5 * 60

# Keep these in your database: they must outlive a restart, and be shared by all your processes.
handled_ids = set()
last_versions = {}
lock = threading.Lock()


def receive(headers, body):
    """`headers` as `request.headers` in Django and Flask, `body` the bytes as they came (`request.body`)."""
    if not is_genuine(headers, body):
        return 401, {'error': 'not a genuine webhook'}
    if not is_recent(headers):
        return 400, {'error': 'too old'}
    if headers.get('x-webhook-event') == 'connection.test':
        return 200, {'success': True}  # There is no order in it.
    order = json.loads(body)
    if remember(headers['webhook-id'], order):
        # Give it to your task queue: answer as soon as it is stored, the work comes afterwards.
        threading.Thread(target=handle, args=(order,)).start()
    return 200, {'success': True}


def is_genuine(headers, body):
    signed = f"{headers.get('webhook-id')}.{headers.get('webhook-timestamp')}.".encode() + body
    expected = base64.b64encode(hmac.new(signing_key, signed, hashlib.sha256).digest())
    # While a secret is rotated there are two signatures: one that fits is enough.
    given = headers.get('webhook-signature', '').split(' ')
    return any(hmac.compare_digest(b'v1,' + expected, signature.encode()) for signature in given)


def is_recent(headers):
    """A recorded webhook that somebody sends again later is refused; our retries carry a new time."""
    try:
        sent_at = int(headers.get('webhook-timestamp', ''))
    except ValueError:
        return False
    return abs(time.time() - sent_at) <= tolerance_seconds


def remember(webhook_id, order):
    """One transaction in your database. False for what was handled before or newer news has overtaken."""
    with lock:
        if webhook_id in handled_ids:
            return False
        handled_ids.add(webhook_id)
        if order['version'] <= last_versions.get(order['orderId'], 0):
            return False
        last_versions[order['orderId']] = order['version']
        return True


def handle(order):
    came_from = order['previousStatus'] or 'new'
    print(f"{order['orderId']} {order['version']}: {came_from} -> {order['status']}", flush=True)


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get('content-length', 0)))
        status, answer = receive(self.headers, body)
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header('content-type', 'application/json')
        self.send_header('content-length', str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(('127.0.0.1', int(os.environ['PORT'])), Handler)
print('Listening', flush=True)
server.serve_forever()
