"""A customer's server that does what the integration guide's Django view does, with Python's own HTTP server.

Run as a program; it listens on a free port of 127.0.0.1 and says which.
"""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class JsonResponse:
    def __init__(self, data, status=200):
        self.body = json.dumps(data).encode()
        self.status = status


def vendor_order_webhook(request):
    # Verify webhook authentication
    provided_secret = request.headers.get('x-vendor-server-secret')
    if provided_secret != os.environ.get('CUSTOMER_SERVER_SECRET'):
        return JsonResponse({'error': 'Invalid webhook secret'}, status=401)

    try:
        webhook_data = json.loads(request.body)
        order_id = webhook_data['orderId']
        status = webhook_data['status']
        previous_status = webhook_data['previousStatus']
        order_data = webhook_data['orderData']
        vendor_details = webhook_data.get('vendorDetails')

        print(f"Order {order_id} status changed: {previous_status} → {status}", flush=True)

        # Update order in your database
        update_order_in_database(order_id, status, order_data, vendor_details)

        # Notify customer
        notify_customer(order_data['customerId'], order_id, status)

        return JsonResponse({
            'success': True,
            'message': 'Webhook received successfully'
        })

    except Exception as e:
        print(f"Webhook error: {e}", flush=True)
        return JsonResponse({'error': 'Processing failed'}, status=500)


def update_order_in_database(order_id, status, order_data, vendor_details):
    print(f"Updating order {order_id} with status {status}", flush=True)


def notify_customer(customer_id, order_id, status):
    print(f"Notifying customer {customer_id} about order {order_id}: {status}", flush=True)


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_POST(self):
        self.body = self.rfile.read(int(self.headers['content-length']))
        response = vendor_order_webhook(self)
        self.send_response(response.status)
        self.send_header('content-type', 'application/json')
        self.send_header('content-length', str(len(response.body)))
        self.end_headers()
        self.wfile.write(response.body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print(f"Listening on port {server.server_port}", flush=True)
server.serve_forever()
